"""Everything on one machine: both engines and the four services, each a process of its own."""

import asyncio
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

import asyncpg
from aiokafka.errors import KafkaError

from relevo import secrets
from relevo.engines import Kafka, Postgres, die_with_parent, free_port, wait_for
from relevo.migrations import SERVICES, migrate
from shared.bus import create_topics

ROOT = Path(__file__).parent.parent
_READY_SECONDS = 60.0
_STOP_SECONDS = 15.0
_HTTP_OK = 200
Progress = Callable[[str], None]


class StackError(RuntimeError):
    """The stack cannot run; the message says why and what to look at."""


class Stack:
    """Kafka, Postgres and the services.

    Args:
        directory: the run folder: data, logs, secrets, `stack.json`.
        settings: further environment for every service.
        progress: told in a sentence what is going on.
    """

    def __init__(
        self,
        directory: Path,
        settings: Mapping[str, str] | None = None,
        progress: Progress = lambda _: None,
    ) -> None:
        self.directory = directory.resolve()
        self.kafka = Kafka(self.directory)
        self.postgres = Postgres(self.directory)
        self.ports = dict.fromkeys(SERVICES, 0)
        self._settings = dict(settings or {})
        self._progress = progress
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._lock: IO[str] | None = None

    # --- addresses --------------------------------------------------------------------------

    @property
    def urls(self) -> dict[str, str]:
        """Base URL of each service."""
        return {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}

    @property
    def dsn(self) -> str:
        """Of the database of all services."""
        return self.postgres.dsn()

    @property
    def secrets(self) -> dict[str, str]:
        """The secrets of this run folder, made at its first start."""
        path = self.directory / "secrets.env"
        if not path.exists():
            secrets.write(path, secrets.generate())
        return secrets.read(path)

    @property
    def operator_key(self) -> str:
        """What the operator's calls carry as bearer token."""
        return self.secrets["RELEVO_CONNECTIONS_OPERATOR_KEY"]

    def pids(self) -> dict[str, int]:
        """Process ids of everything that runs, by name."""
        running = {name: each.pid for name, each in self._processes.items() if each.poll() is None}
        return {**running, "kafka": self.kafka.pid, "postgres": self.postgres.pid}

    def environment(self, service: str) -> dict[str, str]:
        """What a service reads its settings from."""
        own = {
            "RELEVO_PORT": str(self.ports[service]),
            "RELEVO_POSTGRES_DSN": self.dsn,
            "RELEVO_KAFKA": self.kafka.address,
            # Receivers of a local stack are local.
            "RELEVO_WEBHOOKS_ALLOWED_NETWORKS": '["127.0.0.0/8","::1/128"]',
            "RELEVO_WEBHOOKS_ALLOW_HTTP": "true",
            "RELEVO_CONNECTIONS_PUBLIC_URL": self.urls["connections"],
            "PYTHONPATH": str(ROOT),
        }
        kept = {k: v for k, v in os.environ.items() if not k.startswith("RELEVO_")}
        keys = {k: v for k, v in self.secrets.items() if k.startswith("RELEVO_")}
        return {**kept, **keys, **own, **self._settings}

    # --- life -------------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything and wait until all of it is ready.

        Raises:
            StackError: the folder is in use, or a service did not become ready.
            EngineError: Kafka or Postgres did not start.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        self._progress("Starting Kafka and Postgres")
        # From this thread: children die with the thread that started them.
        self.kafka.launch()
        self.postgres.launch()
        self.postgres.wait()
        asyncio.run(self._prepare_database())
        for name in SERVICES:
            self.ports[name] = self.ports[name] or free_port()
        self._progress("Starting the services")
        # They load while Kafka still boots, and connect when it is there.
        for name in SERVICES:
            self.launch(name)
        self.kafka.wait()
        asyncio.run(self._prepare_topics())
        self.wait_ready()
        self._write_state()

    async def _prepare_database(self) -> None:
        admin = await asyncpg.connect(self.postgres.dsn("postgres"))
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = 'relevo'"):
            await admin.execute("CREATE DATABASE relevo")
        await admin.close()
        session = await asyncpg.connect(self.dsn)
        await session.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        await session.close()
        applied = await migrate(self.dsn)
        if applied:
            self._progress(f"Applied {len(applied)} migrations")

    async def _prepare_topics(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            try:
                created = await create_topics(self.kafka.address)
            except (KafkaError, OSError):
                # It listens a moment before its controller is elected.
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.2)
            else:
                if created:
                    self._progress(f"Created {len(created)} topics")
                return

    def launch(self, service: str) -> None:
        """Start one service without waiting."""
        logs = self.directory / "logs"
        logs.mkdir(exist_ok=True)
        with (logs / f"{service}.log").open("ab") as log:
            self._processes[service] = subprocess.Popen(
                [sys.executable, "-m", f"services.{service}"],
                env=self.environment(service),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509  it only sets a flag of the kernel
            )

    def wait_ready(self, *services: str) -> None:
        """Wait until the services (all by default) say that they are ready.

        Raises:
            StackError: with what the service said and where its log is.
        """
        for name in services or SERVICES:
            if not wait_for(lambda name=name: self._settled(name), _READY_SECONDS) or not (  # type: ignore[misc]
                self.running(name)
            ):
                log = self.directory / "logs" / f"{name}.log"
                tail = log.read_text(errors="replace")[-1_500:]
                raise StackError(
                    f"{name} is not ready: {health(self.urls[name])[1]}\nThe end of {log}:\n{tail}"
                )

    def _settled(self, name: str) -> bool:
        return not self.running(name) or health(self.urls[name])[0]

    def running(self, service: str) -> bool:
        """Whether its process runs."""
        process = self._processes.get(service)
        return process is not None and process.poll() is None

    def kill(self, service: str) -> None:
        """SIGKILL, as a crash would be."""
        process = self._processes.pop(service)
        process.kill()
        process.wait()

    def stop_service(self, service: str) -> None:
        """A clean stop."""
        process = self._processes.pop(service)
        process.terminate()
        _wait_or_kill(process)

    def stop(self) -> None:
        """Stop the services, then the engines."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            _wait_or_kill(process)
        self._processes.clear()
        self.kafka.stop()
        self.postgres.stop()
        (self.directory / "stack.json").unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def remove(self) -> None:
        """Stop and delete all data."""
        self.stop()
        self.postgres.remove()
        self.kafka.remove()

    def _take_lock(self) -> None:
        self._lock = (self.directory / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StackError(
                f"Another Relevo runs in {self.directory}. Stop it, or choose another folder "
                "with --directory; `relevo status` tells about the running one."
            ) from error

    def _write_state(self) -> None:
        state = {
            "urls": self.urls,
            "kafka": self.kafka.address,
            "postgres": f"127.0.0.1:{self.postgres.port}",
            "pids": self.pids(),
        }
        (self.directory / "stack.json").write_text(json.dumps(state, indent=2) + "\n")


def health(url: str) -> tuple[bool, dict[str, str]]:
    """Whether a service is ready, and each of its checks."""
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=3) as answer:  # noqa: S310  our own http URL
            return answer.status == _HTTP_OK, json.load(answer)["checks"]
    except urllib.error.HTTPError as error:
        with suppress(ValueError, KeyError), error:
            return False, json.load(error)["checks"]
        return False, {"http": str(error)}
    except OSError as error:
        return False, {"http": str(error)}


def _wait_or_kill(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def stop_on_signals() -> None:
    """SIGTERM ends the command as Ctrl-C does: through the `finally` that stops the children."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)
