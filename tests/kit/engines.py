"""The engines that all tests of one run share.

The first test that needs them starts them, under a file lock in a folder that all workers of the
run know; a keeper process owns them, so that they outlive the worker, and ends with the run.
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

from relevo.local.engines import Postgres
from relevo.operate.migrations import migrate
from relevo.waiting import wait_for
from services.catalog import NAMES
from tests.kit.keeper import STARTED

_START_SECONDS = 120.0
_STOP_SECONDS = 60.0
_ROOT = Path(__file__).parents[2]
# Roles are the server's, and runs may share one.
ROLE_PASSWORDS = {name: f"of {name} in tests" for name in NAMES}


@dataclass(frozen=True)
class Addresses:
    """Where the engines are.

    Args:
        kafka: bootstrap servers.
        postgres: DSN of the maintenance database, of a user that may create databases.
        template: a database with all migrations.
        keeper: pid of the process that owns embedded engines; 0 for external ones.
    """

    kafka: str
    postgres: str
    template: str
    keeper: int = 0

    def dsn(self, database: str) -> str:
        """Of another database on the same server."""
        return self.postgres.rsplit("/", 1)[0] + f"/{database}"


def _run() -> int:
    """The process that all workers of a run descend from: the controller, or the only one."""
    return os.getppid() if os.environ.get("PYTEST_XDIST_WORKER") else os.getpid()


def _folder() -> Path:
    return Path(tempfile.gettempdir()) / f"relevo-test-{_run()}"


def remove_leftovers() -> None:
    """What runs left whose keeper was killed too: it fills the memory that it stands in."""
    for folder in Path(tempfile.gettempdir()).glob("relevo-test-*"):
        run = folder.name.rpartition("-")[2]
        if run.isdecimal() and not psutil.pid_exists(int(run)):
            engines = folder / "engines"
            if engines.exists():
                Postgres(engines).remove()
            shutil.rmtree(folder, ignore_errors=True)


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


def started() -> list[str]:
    """A line for each engine that this run started; none before they serve."""
    told = _folder() / STARTED
    return told.read_text().splitlines() if told.exists() else []


def _template() -> str:
    # Named by the run: two checkouts may share an external server.
    return f"relevo_template_{_run()}"


def _external() -> Addresses | None:
    kafka, postgres = os.environ.get("RELEVO_TEST_KAFKA"), os.environ.get("RELEVO_TEST_POSTGRES")
    if kafka and postgres:
        return Addresses(kafka, postgres, _template())
    if kafka or postgres:
        raise RuntimeError("set both RELEVO_TEST_KAFKA and RELEVO_TEST_POSTGRES, or neither")
    return None


def _embedded(folder: Path) -> Addresses:
    """Start a keeper that owns both engines: it outlives the worker that started it."""
    remove_leftovers()
    log = folder / "keeper.log"
    with log.open("wb") as output:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.kit.keeper", str(folder), str(_run())],
            cwd=_ROOT,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    ready = folder / "keeper.json"
    wait_for(lambda: ready.exists() or keeper.poll() is not None, _START_SECONDS)
    if not ready.exists():
        keeper.kill()
        raise RuntimeError(f"the engines of the tests did not start:\n{log.read_text()}")
    # The keeper stays after this worker: it is not ours to wait for.
    keeper.returncode = 0
    return Addresses(**json.loads(ready.read_text()), template=_template(), keeper=keeper.pid)


async def _make_template(addresses: Addresses) -> None:
    await administer(addresses, f"CREATE DATABASE {addresses.template}")
    await migrate(addresses.dsn(addresses.template), passwords=ROLE_PASSWORDS)


async def administer(addresses: Addresses, statement: str) -> None:
    """Run one statement in the maintenance database."""
    admin = await asyncpg.connect(addresses.postgres)
    try:
        await admin.execute(statement)
    finally:
        await admin.close()


def copy_of(database: str, name: str) -> str:
    """The statement that copies a database to which nobody is connected.

    By files: through the log, as is the default, a copy costs three times as much.
    """
    return f"CREATE DATABASE {name} TEMPLATE {database} STRATEGY FILE_COPY"


def stop_shared_engines() -> None:
    """End what this run started; external engines get their template database dropped."""
    folder = _folder()
    found = folder / "addresses.json"
    if found.exists():
        addresses = Addresses(**json.loads(found.read_text()))
        if not addresses.keeper:
            asyncio.run(administer(addresses, f"DROP DATABASE {addresses.template} WITH (FORCE)"))
        elif psutil.pid_exists(addresses.keeper):
            keeper = psutil.Process(addresses.keeper)
            if "tests.kit.keeper" in keeper.cmdline():
                keeper.terminate()
                keeper.wait(_STOP_SECONDS)
    shutil.rmtree(folder, ignore_errors=True)
