"""Where this installation is: from the environment, or from a running `relevo up`."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from relevo.operate import secrets
from relevo.operate.status import STATE_FILE
from services import catalog

_COMPOSE_SECRETS = Path(".env")


@dataclass(frozen=True, slots=True)
class Place:
    """What is looked at.

    `urls` are of the services' processes, `routing-2` too; `pids` of everything that `relevo up`
    started, empty when none runs. `values` are the secrets' file under the environment.
    """

    directory: Path
    dsn: str = field(default="", repr=False)
    kafka: str = ""
    prefix: str = ""
    urls: Mapping[str, str] = field(default_factory=dict)
    pids: Mapping[str, int] = field(default_factory=dict)
    services: tuple[str, ...] = catalog.NAMES
    secrets_file: Path | None = None
    values: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def running(self) -> bool:
        """Whether a `relevo up` runs in the folder."""
        return bool(self.pids)


def find(directory: Path, environment: Mapping[str, str], secrets_file: Path | None) -> Place:
    """What the environment names comes first: it is what the other commands use too."""
    state = _running(directory)
    urls = state.get("urls", {})
    names = {name.partition("-")[0] for name in urls}
    file = secrets_file or _first((directory / "secrets.env", _COMPOSE_SECRETS), environment)
    return Place(
        directory=directory,
        dsn=environment.get("RELEVO_POSTGRES_DSN", "") or state.get("dsn", ""),
        kafka=environment.get("RELEVO_KAFKA", "") or state.get("kafka", ""),
        prefix=environment.get("RELEVO_TOPIC_PREFIX", ""),
        urls=urls or _urls(environment),
        pids=state.get("pids", {}),
        services=tuple(name for name in catalog.NAMES if name in names) or catalog.NAMES,
        secrets_file=file,
        values={**_read(file), **environment},
    )


def _running(directory: Path) -> dict[str, Any]:
    """What `relevo up` wrote, if it lives: a killed one leaves the file behind."""
    file = directory / STATE_FILE
    with suppress(OSError, ValueError, AttributeError):
        state: dict[str, Any] = json.loads(file.read_text())
        if any(_lives(pid, file.stat().st_mtime) for pid in state.get("pids", {}).values()):
            return state
    return {}


def _lives(pid: int, written: float) -> bool:
    """Whether it is the process of then: the kernel gives pids again."""
    import psutil  # noqa: PLC0415  takes its time to load

    with suppress(psutil.Error):
        return bool(psutil.Process(pid).create_time() <= written)
    return False


def _first(files: tuple[Path, ...], environment: Mapping[str, str]) -> Path | None:
    """The environment's own secrets come before those of a file that happens to be near."""
    if environment.get("RELEVO_SEALING_KEYS"):
        return None
    return next((file for file in files if file.is_file()), None)


def _read(file: Path | None) -> dict[str, str]:
    """What it says; that it cannot be read is said by the look at it."""
    with suppress(OSError, ValueError):
        return secrets.read(file) if file else {}
    return {}


def _urls(environment: Mapping[str, str]) -> dict[str, str]:
    """As the console is told, or where services listen by default."""
    return {
        name: environment.get(f"RELEVO_CONSOLE_{name.upper()}_URL") or f"http://127.0.0.1:{port}"
        for name, port in catalog.PORTS.items()
    }
