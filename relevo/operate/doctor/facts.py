"""What this machine says of itself: figures for `machine.py`, and nothing decided."""

import asyncio
import ctypes
import os
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from relevo.operate.doctor.machine import Disk, Docker, Port
from relevo.operate.doctor.place import Place
from services import catalog

_UNSYNCHRONISED = 5  # TIME_ERROR, adjtimex(2)
_TIMEX_BYTES = 512  # more than `struct timex`; of zeros, it asks and changes nothing


def python_wanted() -> str:
    """`requires-python` of what is installed; empty where only the files are."""
    with suppress(metadata.PackageNotFoundError):
        return str(metadata.metadata("relevo").json.get("requires_python", ""))
    return ""


def ports(place: Place) -> list[Port]:
    """Those of the running stack and the default ones; none where nobody can tell whose they are.

    Whose a port is needs `relevo.local`, which is not in the image: a container has its own.
    """
    if find_spec("relevo.local") is None:
        return []
    wanted = dict(catalog.PORTS)
    if place.running:
        wanted = {name: int(url.rpartition(":")[2]) for name, url in place.urls.items()}
    return [_port(name, number, place.pids.get(name, 0)) for name, number in wanted.items()]


def _port(name: str, number: int, pid: int) -> Port:
    from relevo.local.ports import faults, listens  # noqa: PLC0415  not in the image

    if pid and listens(pid, number):
        return Port(name, number, ours=True)
    (fault, *_) = (*faults({name: number}), "")
    return Port(name, number, taken_by=fault.partition(" wants: ")[2].rstrip("."))


def disks(directory: Path) -> list[Disk]:
    """The run folder, and the engines' data where it is on another file system."""
    folders = {"of the run folder": directory, "of Kafka": directory / "kafka-data"}
    if find_spec("relevo.local") is not None:
        from relevo.local.engines import Postgres  # noqa: PLC0415  as above

        folders["of Postgres"] = Postgres(directory).data
    found: dict[int, Disk] = {}
    for what, folder in folders.items():
        there = nearest(folder)
        space = os.statvfs(there)
        found.setdefault(
            there.stat().st_dev,
            Disk(what, space.f_bavail * space.f_frsize, space.f_files, space.f_favail),
        )
    return list(found.values())


def nearest(path: Path) -> Path:
    """The path, or the folder above it that there is."""
    whole = path.resolve()
    return next(one for one in (whole, *whole.parents) if one.exists())


def memory_available() -> int:
    """Bytes that can be had without swapping."""
    import psutil  # noqa: PLC0415  takes its time to load

    return int(psutil.virtual_memory().available)


def clock_kept() -> bool | None:
    """What the kernel says; None where it has no such call."""
    if sys.platform != "linux":
        return None
    said = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return None if said < 0 else bool(said != _UNSYNCHRONISED)


async def docker() -> Docker:
    """Its client, daemon and compose."""
    if shutil.which("docker") is None:
        return Docker(client=False)
    daemon, compose = await asyncio.gather(
        _said("docker", "version", "--format", "{{.Server.Version}}"),
        _said("docker", "compose", "version", "--short"),
    )
    return Docker(client=True, daemon=daemon, compose=compose)


async def _said(*command: str) -> str:
    """The first line of what it says; empty when it fails. Cancelled, it ends the process."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        raise
    return output.decode(errors="replace").strip() if process.returncode == 0 else ""
