"""The engines that all tests of one run share.

Under xdist the controller starts no test; the first worker that needs the engines starts them
under a file lock in a folder that all workers know, and the controller stops them at the end.
"""

import asyncio
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import asyncpg
import psutil

from relevo.engines import wait_for
from relevo.migrations import migrate

_RUN = "PYTEST_XDIST_TESTRUNUID"
_START_SECONDS = 120.0
TEMPLATE = "relevo_template"


@dataclass(frozen=True)
class Addresses:
    """Where the engines are; `postgres` is the DSN of the maintenance database."""

    kafka: str
    postgres: str
    template: str
    keeper: int = 0


def _folder() -> Path:
    """One folder per run: named by the process that all workers descend from."""
    controller = os.getppid() if os.environ.get(_RUN) else os.getpid()
    return Path(tempfile.gettempdir()) / f"relevo-test-{controller}"


def shared_engines() -> Addresses:
    """The engines of this run, started if nobody has yet."""
    folder = _folder()
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = folder / "addresses.json"
        if found.exists():
            return Addresses(**json.loads(found.read_text()))
        addresses = _external() or _embedded(folder)
        asyncio.run(_make_template(addresses))
        found.write_text(json.dumps(asdict(addresses)))
        return addresses


def _external() -> Addresses | None:
    kafka, postgres = os.environ.get("RELEVO_TEST_KAFKA"), os.environ.get("RELEVO_TEST_POSTGRES")
    if not kafka or not postgres:
        return None
    return Addresses(kafka, postgres, TEMPLATE)


def _embedded(folder: Path) -> Addresses:
    """Start a keeper that owns both engines: it outlives the worker that started it."""
    with (folder / "keeper.log").open("wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.keeper", str(folder), str(_folder_owner())],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    ready = folder / "keeper.json"
    if not wait_for(lambda: ready.exists() or keeper.poll() is not None, _START_SECONDS) or (
        not ready.exists()
    ):
        raise RuntimeError((folder / "keeper.log").read_text())
    # The keeper stays: it is not ours to wait for.
    keeper.returncode = 0
    return Addresses(**json.loads(ready.read_text()), template=TEMPLATE, keeper=keeper.pid)


def _folder_owner() -> int:
    return os.getppid() if os.environ.get(_RUN) else os.getpid()


async def _make_template(addresses: Addresses) -> None:
    admin = await asyncpg.connect(addresses.postgres)
    await admin.execute(f"DROP DATABASE IF EXISTS {TEMPLATE}")
    await admin.execute(f"CREATE DATABASE {TEMPLATE}")
    await admin.close()
    await migrate(addresses.postgres.rsplit("/", 1)[0] + f"/{TEMPLATE}")


def stop_shared_engines() -> None:
    """End what this run started."""
    folder = Path(tempfile.gettempdir()) / f"relevo-test-{os.getpid()}"
    found = folder / "addresses.json"
    if found.exists():
        addresses = Addresses(**json.loads(found.read_text()))
        if addresses.keeper and psutil.pid_exists(addresses.keeper):
            keeper = psutil.Process(addresses.keeper)
            keeper.terminate()
            keeper.wait(60)
    shutil.rmtree(folder, ignore_errors=True)
