"""Everything on one machine: both engines and the services, each a process of its own."""

import asyncio
import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import IO

import asyncpg
import psutil

import services
from relevo.local.engines import Engine, Kafka, Postgres
from relevo.local.folders import lock
from relevo.local.nursery import Nursery
from relevo.local.ports import faults, listens
from relevo.local.processes import end_leftover, end_with_parent, free_port, lives, stop, tail
from relevo.local.workers import process_names, service_of
from relevo.operate import secrets
from relevo.operate.roles import dsn_of
from relevo.operate.status import STATE_FILE, health
from relevo.waiting import wait_for
from services import catalog

ROOT = Path(services.__file__).parent.parent
_READY_SECONDS = 60.0
# More than the services take at most, `shutdown_seconds`.
_STOP_SECONDS = 25.0
Progress = Callable[[str], None]


class StackError(RuntimeError):
    """The stack cannot run; the message says why and what to look at."""


class Stack:
    """Kafka, Postgres and the services.

    Start it from a thread that lives on, outside of an event loop: the kernel ends the children
    with the thread that started them.

    Args:
        directory: the run folder: data, logs, secrets, `stack.json`.
        settings: further environment for every service.
        progress: called with a sentence about what is going on.
        ports: of services, by name; a free one is chosen for those not named.
        names: of the services to start; all unless one of them runs elsewhere (in an editor).
        workers: processes of each service that an order passes through.
        learns: whether the first stop may take longer, so that later starts are faster.
    """

    def __init__(
        self,
        directory: Path,
        settings: Mapping[str, str] | None = None,
        progress: Progress = lambda _: None,
        ports: Mapping[str, int] | None = None,
        names: Sequence[str] = catalog.NAMES,
        workers: int = 1,
        *,
        learns: bool = False,
    ) -> None:
        self.directory = directory.resolve()
        self.kafka = Kafka(self.directory, learns=learns)
        self.postgres = Postgres(self.directory)
        self._names = tuple(names)
        self.services = process_names(names, workers)
        self.ports = {name: (ports or {}).get(name, 0) for name in self.services}
        self._settings = dict(settings or {})
        self._progress = progress
        self._nursery = Nursery(self.log("nursery"))
        self._processes: dict[str, psutil.Process] = {}
        self._lock: IO[str] | None = None

    # --- addresses --------------------------------------------------------------------------

    @property
    def urls(self) -> dict[str, str]:
        """Base URL of each service; of its further processes too, as `routing-2`."""
        return {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}

    @property
    def dsn(self) -> str:
        """Of the database, as its owner; each service has its own."""
        return self.postgres.dsn()

    @property
    def bootstrap(self) -> str:
        """Kafka's bootstrap servers."""
        return self.kafka.address

    @cached_property
    def secrets(self) -> dict[str, str]:
        """The secrets of this run folder, made at its first start.

        Raises:
            StackError: the file lacks some, or cannot be read.
        """
        path = self.directory / "secrets.env"
        if not path.exists():
            secrets.write(path, secrets.generate())
        try:
            secrets.add_passwords(path)
            found = secrets.read(path)
        except ValueError as error:
            raise StackError(f"{path}: a line is not NAME='value'; mend it") from error
        if missing := secrets.missing(found):
            raise StackError(
                f"{path} lacks {', '.join(missing)}: put back what it had. "
                "Without that, the data cannot be opened; `make reset` begins anew."
            )
        return found

    @property
    def _passwords(self) -> dict[str, str]:
        return secrets.passwords(self.secrets)

    @property
    def operator_key(self) -> str:
        """What the operator's calls carry as bearer token."""
        return self.secrets["RELEVO_CONNECTIONS_OPERATOR_KEY"]

    def pids(self) -> dict[str, int]:
        """Process ids of everything that runs, by name."""
        running = {
            name: process.pid for name, process in self._processes.items() if self.running(name)
        }
        engines = {engine.name: engine.pid for engine in (self.kafka, self.postgres) if engine.pid}
        return {**running, **engines}

    @property
    def mail_folder(self) -> Path:
        """Where mails go: there is no mail server."""
        return self.directory / "mail"

    def log(self, service: str) -> Path:
        """What a service logged."""
        return self.directory / "logs" / f"{service}.log"

    def environment(self, process: str) -> dict[str, str]:
        """What a process reads its settings from: the keys of other services are not in it."""
        service = service_of(process)
        own = {
            "RELEVO_PORT": str(self.ports[process]),
            "RELEVO_POSTGRES_DSN": dsn_of(service, self.dsn, self._passwords[service]),
            "RELEVO_KAFKA": self.bootstrap,
            # Receivers of a local stack are local.
            "RELEVO_WEBHOOKS_ALLOWED_NETWORKS": '["127.0.0.0/8","::1/128"]',
            "RELEVO_WEBHOOKS_ALLOW_HTTP": "true",
            "RELEVO_CONNECTIONS_PUBLIC_URL": self.urls.get("connections", ""),
            "RELEVO_CONNECTIONS_CONSOLE_URL": self.urls.get("console", ""),
            "RELEVO_CONSOLE_PUBLIC_URL": self.urls.get("console", ""),
            **{
                f"RELEVO_CONSOLE_{name.upper()}_URL": self.urls.get(name, "")
                for name in catalog.API_NAMES
            },
            "RELEVO_CONNECTIONS_MAIL_FOLDER": str(self.mail_folder),
            "PYTHONPATH": str(ROOT),
        }
        if service == "fulfilment":
            own["RELEVO_FULFILMENT_OPERATOR_KEY"] = self.operator_key
        kept = {k: v for k, v in os.environ.items() if not k.startswith("RELEVO_")}
        return {**kept, **secrets.of(service, self.secrets), **own, **self._settings}

    # --- life -------------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything and wait until all of it is ready.

        Raises:
            StackError: the folder is in use, or a service did not become ready.
            OSError: the folder cannot be made or written, or the disk is full.
            EngineError, FetchError: Kafka or Postgres did not start, or could not be fetched.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        for name in self.services:
            end_leftover(self._pid_file(name), f"services.{service_of(name)}")
        self._take_ports()
        self.secrets  # noqa: B018  made, or found wanting, before anything runs
        self._progress("Starting Kafka and Postgres")
        self.kafka.launch()
        self._nursery.prepare(ROOT)
        self.postgres.launch()
        # Loaded while the engines boot.
        from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

        from relevo.operate import topics  # noqa: PLC0415

        self.postgres.wait()
        try:
            asyncio.run(self._prepare_database())
        except (asyncpg.PostgresError, DBAPIError) as error:
            raise StackError(f"Postgres: {error}\nIts log is {self.postgres.log}") from error
        self._progress("Starting the services")
        # They load while Kafka still boots, and connect when it is there.
        for name in self.services:
            self.launch(name)
        self.kafka.wait()
        created = asyncio.run(topics.create(self.bootstrap))
        if created:
            self._progress(f"Created {len(created)} topics")
        self.wait_ready()
        self._write_state()

    def _take_ports(self) -> None:
        """Those that were chosen must be free; the others are chosen now.

        Raises:
            StackError: who has the ports.
        """
        engines = {engine.name: engine.port for engine in (self.kafka, self.postgres)}
        chosen = {name: port for name, port in {**self.ports, **engines}.items() if port}
        if found := faults(chosen):
            raise StackError(
                "\n".join(found) + "\nNothing was started. End what has the port, or choose "
                "others with --first-port; without it free ones are taken."
            )
        self.ports = {name: port or free_port() for name, port in self.ports.items()}

    async def _prepare_database(self) -> None:
        from relevo.operate.migrations import migrate  # noqa: PLC0415  loaded while engines boot

        admin = await asyncpg.connect(self.postgres.dsn("postgres"))
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = 'relevo'"):
            await admin.execute("CREATE DATABASE relevo")
        await admin.close()
        session = await asyncpg.connect(self.dsn)
        await session.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        await session.close()
        applied = await migrate(self.dsn, names=self._names, passwords=self._passwords)
        if applied:
            self._progress(f"Applied {len(applied)} migrations")

    def launch(self, service: str) -> None:
        """Start one service without waiting, on the port it had.

        Raises:
            StackError: it runs already, or cannot be started.
        """
        if self.running(service):
            raise StackError(f"{service} runs already")
        self.log(service).parent.mkdir(exist_ok=True)
        module = f"services.{service_of(service)}"
        try:
            process = self._nursery.start(
                module, self.log(service), self.environment(service), ROOT
            )
        except ChildProcessError as error:
            raise StackError(str(error)) from error
        self._processes[service] = process
        self._pid_file(service).write_text(str(process.pid))

    def start_service(self, service: str) -> None:
        """Start one service and wait until it is ready.

        Raises:
            StackError: with what it said and where its log is.
        """
        self.launch(service)
        self.wait_ready(service)

    def wait_ready(self, *services: str) -> None:
        """Wait until the services (all by default) say that they are ready.

        Raises:
            StackError: with what the service said and where its log is.
        """
        for name in services or self.services:
            settled = wait_for(partial(self._settled, name), _READY_SECONDS)
            if not settled or not self.running(name):
                raise StackError(
                    f"{name} is not ready: {health(self.urls[name])[1]}\n"
                    f"The end of {self.log(name)}:\n{tail(self.log(name))}"
                )

    def _settled(self, name: str) -> bool:
        if not self.running(name):
            return True
        ready = health(self.urls[name])[0]
        # Somebody else may have taken the port since, and answer there.
        return ready and listens(self._processes[name].pid, self.ports[name])

    def running(self, service: str) -> bool:
        """Whether its process runs."""
        process = self._processes.get(service)
        return process is not None and lives(process)

    def revive(self) -> list[str]:
        """Start again what ended by itself, engines too, without waiting; the names."""
        engines: tuple[Engine, ...] = (self.postgres, self.kafka)
        ended = [engine for engine in engines if not engine.pid]
        for engine in ended:
            engine.launch()
        services = [name for name in self._processes if not self.running(name)]
        for name in services:
            self.launch(name)
        return [*(engine.name for engine in ended), *services]

    def kill(self, service: str) -> None:
        """SIGKILL, as a crash would be."""
        self._end(service, signal.SIGKILL)

    def stop_service(self, service: str) -> None:
        """A clean stop."""
        self._end(service, signal.SIGTERM)

    def _end(self, service: str, how: signal.Signals) -> None:
        stop(self._processes.pop(service), how, _STOP_SECONDS)
        self._pid_file(service).unlink(missing_ok=True)

    def stop(self) -> None:
        """Stop the services, then the engines. Nothing happens when it does not run."""
        for process in self._processes.values():  # all at once, then one by one
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGTERM)
        for name in list(self._processes):
            self._end(name, signal.SIGTERM)
        self._nursery.stop()
        self.kafka.stop()
        self.postgres.stop()
        if self._lock is not None:
            (self.directory / STATE_FILE).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def remove(self) -> None:
        """Stop and delete all data."""
        self.stop()
        self.postgres.remove()
        self.kafka.remove()

    def _pid_file(self, service: str) -> Path:
        return self.directory / f"{service}.pid"

    def _take_lock(self) -> None:
        self._lock = lock(self.directory)
        if self._lock is None:
            raise StackError(
                f"Another Relevo runs in {self.directory}. Stop it, or choose another folder "
                "with --directory; `make status` tells about the running one."
            )

    def _write_state(self) -> None:
        state = {
            "urls": self.urls,
            "kafka": self.bootstrap,
            "dsn": self.dsn,
            "pids": self.pids(),
        }
        path = self.directory / STATE_FILE
        scratch = path.with_suffix(".new")
        scratch.touch(mode=0o600)  # the DSN carries the password
        scratch.write_text(json.dumps(state, indent=2) + "\n")
        scratch.replace(path)


def stop_on_signals() -> None:
    """SIGTERM ends the command as Ctrl-C does: through the `finally` that stops the children.

    So does a terminal that is closed, unless `nohup` wants otherwise; and under make, its end.
    """
    ending = [signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        ending.append(signal.SIGHUP)

    def interrupt(*_: object) -> None:
        # A closed terminal sends more than one: the next would cut off the stop itself.
        for one in ending:
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt

    for one in ending:
        signal.signal(one, interrupt)
    if "MAKELEVEL" in os.environ:
        end_with_parent(signal.SIGTERM)
