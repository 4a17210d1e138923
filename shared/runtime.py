"""One process of a service: web server, database, Kafka, relay and background work, wired once.

A service's `main.py` says what it consumes and serves; this file knows how a process lives: it
starts and stays up while Kafka or Postgres is away, says so in `/health/ready`, and stops in order.
"""

import asyncio
import faulthandler
import gc
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from types import FrameType
from typing import Annotated

import structlog
import uvicorn
from fastapi import Depends, FastAPI, Request

from shared.contracts.accounts_changed import AccountChanged
from shared.contracts.connections_changed import ConnectionChanged
from shared.contracts.signing_keys_changed import SigningKeysChanged
from shared.health import Health
from shared.kafka.batch import read
from shared.kafka.connection import KafkaConnection
from shared.kafka.message import Message
from shared.kafka.subscriber import Reader, Wait
from shared.kafka.topics import ACCOUNTS_CHANGED, CONNECTIONS_CHANGED, SIGNING_KEYS_CHANGED
from shared.opening import Opening, Step
from shared.postgres.database import Database
from shared.postgres.outbox import Relay
from shared.settings import Settings
from shared.telemetry import configure_logging
from shared.web import openapi, problems
from shared.web.access import AREAS, require_declared_access
from shared.web.auth import Verifier
from shared.web.bodies import MAX_FORM_BYTES, BoundedBodies
from shared.web.catching_up import UntilCaughtUp
from shared.web.revocations import Revocations

logger = structlog.get_logger(__name__)

# Work that runs as long as the process; it is restarted when it fails.
Background = Callable[[], Awaitable[None]]
_RESTART_SECONDS = 1.0
# Shares of `shutdown_seconds`, the whole of a stop: requests under way, then Kafka, then the
# service's own work, then what ran in the background. The rest is the interpreter's.
_REQUESTS, _KAFKA, _OWN, _BACKGROUND = 0.2, 0.35, 0.2, 0.1


class Runtime:
    """What every process of a service has; `app()` makes it a web application.

    Args:
        settings: of the service.
        name: the service, also its schema and the prefix of its consumer groups.
    """

    def __init__(self, settings: Settings, name: str) -> None:
        self.name = name
        self.settings = settings
        self.database = Database(settings, name)
        self.kafka = KafkaConnection(settings, f"relevo-{name}")
        self.revocations = Revocations()
        self.verifier = Verifier(settings.auth_jwks, settings.auth_issuer)
        self._on_keys: list[Background] = []
        self._hear_of_rights()
        self.health = Health()
        self.health.add("database", self._check_database)
        self.health.add("kafka", self.kafka.producer.check)
        # Before it, a process neither answers nor decides.
        self.opening = Opening(Step(self.kafka.caught_up, self.kafka.unread))
        self.health.add("topics", self.opening.check)
        self.health.add("consumers", self.kafka.check_consumers)
        self._background: dict[str, Background] = {
            "kafka": self.kafka.run,
            "opening": self.opening.run,
        }
        self._on_start: list[Background] = []
        self._on_stop: list[Background] = []
        self._own_until = 0.0
        self._on_sent: list[Callable[[Message, object], None]] = []
        relay = Relay(self.database, name, self.kafka.producer.send, on_sent=self._sent)
        # What a restored outbox says may be older than the log: first that is known.
        self.background("relay", relay.run, [self.opening.wait])

    def _hear_of_rights(self) -> None:
        # Every process knows whose tokens are over, and whose signature makes one: no group.
        self.kafka.router.read_by_all(
            Reader(ACCOUNTS_CHANGED, read(AccountChanged), self._on_accounts_changed),
            Reader(CONNECTIONS_CHANGED, read(ConnectionChanged), self._on_delegations_changed),
            Reader(SIGNING_KEYS_CHANGED, read(SigningKeysChanged), self._on_keys_changed),
        )

    async def _on_accounts_changed(self, changes: Sequence[AccountChanged]) -> None:
        self.revocations.apply(changes)

    async def _on_delegations_changed(self, changes: Sequence[ConnectionChanged]) -> None:
        self.revocations.apply_connections(changes)

    async def _on_keys_changed(self, changes: Sequence[SigningKeysChanged]) -> None:
        for change in changes:
            self.verifier.learn(change)
        for hear in self._on_keys:
            await hear()

    def _sent(self, message: Message, place: object) -> None:
        for hear in self._on_sent:
            hear(message, place)

    def on_sent(self, hear: Callable[[Message, object], None]) -> None:
        """Call `hear` with each message of the outbox that Kafka has, and where it is there."""
        self._on_sent.append(hear)

    def on_keys(self, hear: Background) -> None:
        """Await `hear` whenever the verifier has learned of other signing keys."""
        self._on_keys.append(hear)

    def background(self, name: str, work: Background, after: Sequence[Wait] = ()) -> None:
        """Run `work` as long as the process; it should only return when cancelled.

        Args:
            name: for the log.
            work: what runs.
            after: awaited one after the other before it begins.
        """

        async def begin() -> None:
            for wait in after:
                await wait()
            await work()

        self._background[name] = begin

    def on_start(self, work: Background) -> None:
        """Await `work` before the background work begins; it must not need an engine."""
        self._on_start.append(work)

    def on_stop(self, work: Background) -> None:
        """Await `work` when the process stops, after reading has stopped; see `stop_seconds`."""
        self._on_stop.append(work)

    def stop_seconds(self) -> float:
        """What is left for `on_stop` work; then it is cut off. The sooner Kafka, the more."""
        return max(0.0, self._own_until - asyncio.get_running_loop().time())

    def app(
        self,
        title: str,
        description: str,
        *,
        forms_only: bool = True,
        max_form_bytes: int = MAX_FORM_BYTES,
        answers_at_once: Sequence[str] = (),
    ) -> FastAPI:
        """The web application; routers are the service's to add.

        Args:
            title: of its API.
            description: of its API.
            forms_only: bodies are small and bounded here; else the service bounds them itself.
            max_form_bytes: by how much.
            answers_at_once: beginnings of paths that are answered before the process is open;
                others are 503 until then.
        """
        self.kafka.router.subscribe_whole()
        app = FastAPI(
            title=title,
            description=description,
            version="1.0.0",
            lifespan=self._lifespan,
            # A path is what it is: a redirect would send a body, and a token, a second time.
            redirect_slashes=False,
            docs_url=None,
            redoc_url=None,
        )
        app.state.verifier = self.verifier
        app.state.revocations = self.revocations
        app.state.area = AREAS[self.name]
        app.state.runtime = self
        problems.install(app)
        if forms_only:
            app.add_middleware(BoundedBodies, max_bytes=max_form_bytes)
        app.add_middleware(
            UntilCaughtUp,
            is_caught_up=lambda: self.opening.is_done,
            answers=answers_at_once,
        )
        app.include_router(self.health.router())
        openapi.install(app)
        return app

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        require_declared_access(app)
        await self.database.open()
        for work in self._on_start:
            await work()
        tasks = [
            asyncio.create_task(self._keep_running(name, work), name=name)
            for name, work in self._background.items()
        ]
        # What is loaded by now stays: a full collection of it all takes 40 ms, and orders wait.
        gc.collect()
        gc.freeze()
        logger.info("started", port=self.settings.port)
        try:
            yield
        finally:
            await self._stop(tasks)

    async def _stop(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        budget, started = self.settings.shutdown_seconds, asyncio.get_running_loop().time()
        self._own_until = started + budget * (_KAFKA + _OWN)
        with suppress(TimeoutError):
            async with asyncio.timeout(budget * _KAFKA):
                await self.kafka.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._own_until):
                for work in self._on_stop:
                    await work()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=budget * _BACKGROUND)
        await self.database.close()
        logger.info("stopped")

    async def _keep_running(self, name: str, work: Background) -> None:
        while True:
            try:
                await work()
            except Exception:
                logger.exception("background work failed and starts again", work=name)
            await asyncio.sleep(_RESTART_SECONDS)

    async def _check_database(self) -> str | None:
        async with self.database.session() as session:
            await session.execute("SELECT 1")
        return None


async def database_of(request: Request) -> Database:
    """FastAPI dependency: the schema of the service that answers."""
    runtime: Runtime = request.app.state.runtime
    return runtime.database


Schema = Annotated[Database, Depends(database_of)]


class _Server(uvicorn.Server):
    """Ends in time: what is left to hang after everything was cut off is not waited for."""

    def __init__(self, config: uvicorn.Config, stop_seconds: float) -> None:
        super().__init__(config)
        self._stop_seconds = stop_seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The signal: from here on the time counts, in a thread that needs no event loop."""
        if not self.should_exit:
            faulthandler.dump_traceback_later(self._stop_seconds, exit=True)
        super().handle_exit(sig, frame)


def serve(create_app: Callable[[], FastAPI], settings: Settings, name: str) -> None:
    """Run one process of a service until SIGTERM or SIGINT."""
    configure_logging(settings.log_level, settings.log_format, name)
    config = uvicorn.Config(
        create_app(),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        # Longer than clients and balancers keep an idle connection (60 s is common): who closes
        # first must not be us, or a request that is on its way is lost.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_seconds * _REQUESTS)),
        backlog=4_096,
    )
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        _Server(config, settings.shutdown_seconds).run()
