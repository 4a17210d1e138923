"""What is judged about the machine itself: each from figures that `facts.py` gathers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from relevo.operate.doctor.finding import Finding, ok, warning, wrong

GIB = 1024**3
_WARN_FREE_BYTES, _WRONG_FREE_BYTES = 5 * GIB, 1 * GIB
_WARN_INODES, _WRONG_INODES = 0.05, 0.01
# Measured: everything of `relevo up`, and of docker-compose.yml under its limits.
UP_BYTES, COMPOSE_BYTES = int(1.2 * GIB), int(3.5 * GIB)
_COMPOSE = (2, 20)


@dataclass(frozen=True, slots=True)
class Port:
    """A port that something of ours listens on, or would. `taken_by`: whoever else has it."""

    name: str
    number: int
    ours: bool = False
    taken_by: str = ""


@dataclass(frozen=True, slots=True)
class Disk:
    """What is left where something is kept; `inodes` 0 on a file system that does not count."""

    what: str
    free_bytes: int
    inodes: int
    free_inodes: int


@dataclass(frozen=True, slots=True)
class Docker:
    """Versions of the daemon and of compose; empty when there is none, or no answer."""

    client: bool
    daemon: str = ""
    compose: str = ""


def python_version(running: tuple[int, int, int], wanted: str, relevo: str) -> Finding:
    """Against `requires-python`, such as `>=3.11`; empty when nobody knows it."""
    found = f"Python {'.'.join(map(str, running))}, relevo {relevo}"
    least = re.search(r">=\s*(\d+)\.(\d+)", wanted)
    if least and running[:2] < (int(least[1]), int(least[2])):
        need = f"Python {least[1]}.{least[2]} or newer"
        return wrong("versions", found, f"install {need}; then `make clean` and begin again")
    return ok("versions", found)


def ports(looked_at: Sequence[Port], *, running: bool) -> Finding:
    """Taken ones are wrong where they belong to what runs; else free ones are chosen."""
    taken = [port for port in looked_at if port.taken_by]
    ours = sum(port.ours for port in looked_at)
    if not taken:
        free = len(looked_at) - ours
        return ok("ports", f"{ours} ours, {free} free")
    found = "; ".join(f"{port.number} ({port.name}): {port.taken_by}" for port in taken)
    if running:
        return wrong("ports", found, "end what has the port, then stop and start `make up`")
    return warning(
        "ports", found, "`docker compose up` needs them: end what has them; `make up` takes others"
    )


def disk(place: Disk) -> Finding:
    """Space and inodes of where something is kept."""
    name, share = f"disk {place.what}", 1.0
    found = f"{place.free_bytes / GIB:.1f} GB free"
    if place.inodes:
        share = place.free_inodes / place.inodes
        found += f", {share:.0%} of the inodes"
    remedy = "make room: Kafka and Postgres stop when the disk is full"
    if place.free_bytes < _WRONG_FREE_BYTES or share < _WRONG_INODES:
        return wrong(name, found, remedy)
    if place.free_bytes < _WARN_FREE_BYTES or share < _WARN_INODES:
        return warning(name, found, remedy)
    return ok(name, found)


def memory(available_bytes: int, *, running: bool) -> Finding:
    """Against what a stack needs; one that runs has it already."""
    found = f"{available_bytes / GIB:.1f} GB available"
    if running or available_bytes >= COMPOSE_BYTES:
        return ok("memory", found)
    if available_bytes >= UP_BYTES:
        need = f"{COMPOSE_BYTES / GIB:.1f} GB"
        return warning("memory", found, f"enough for `make up`; `docker compose up` needs {need}")
    return wrong("memory", found, f"`make up` needs {UP_BYTES / GIB:.1f} GB: end something")


def clock_kept(kept: bool | None) -> Finding:  # noqa: FBT001  a verdict of the kernel, or none
    """Whether the kernel's clock follows a time server; None when it does not say."""
    if kept is None:
        return ok("clock", "whether a time server keeps it cannot be seen here")
    if kept:
        return ok("clock", "kept by a time server")
    return warning(
        "clock", "not kept by a time server", "switch it on (`timedatectl set-ntp true`, chrony)"
    )


def docker(seen: Docker) -> Finding:
    """Never more than a warning: only compose needs it."""
    only = "needed for `docker compose` only"
    if not seen.client:
        return warning("docker", "there is no docker", f"{only}: `make up` does without")
    if not seen.daemon:
        return warning("docker", "its daemon does not answer", f"{only}: start it")
    found = f"Docker {seen.daemon}, compose {seen.compose or 'missing'}"
    if _numbers(seen.compose) < _COMPOSE:
        return warning("docker", found, f"{only}: install compose 2.20 or newer")
    return ok("docker", found)


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)
