"""How a process of Relevo lives, whatever it does.

It starts and stays up while an engine is away, says so in `/health/ready`, and stops in order. What
it reads of the log, `shared/runtime.py` adds.
"""

import asyncio
import faulthandler
import gc
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from shared.health import Health
from shared.postgres.database import Database
from shared.settings import ProcessSettings
from shared.telemetry import configure_logging
from shared.web.access import require_declared_access

logger = structlog.get_logger(__name__)

# Work that runs as long as the process; it is restarted when it fails.
Background = Callable[[], Awaitable[None]]
_RESTART_SECONDS = 1.0
# Shares of `shutdown_seconds`, the whole of a stop: requests under way, then Kafka, then the
# service's own work, then what ran in the background. The rest is the interpreter's.
_REQUESTS, _READING, _OWN, _BACKGROUND = 0.2, 0.35, 0.2, 0.1


class Process:
    """A database, health, background work and an order to stop in.

    Args:
        settings: of the service.
        name: the service, also its schema.
    """

    def __init__(self, settings: ProcessSettings, name: str) -> None:
        self.name = name
        self.database = Database(settings, name)
        self.health = Health()
        self.health.add("database", self._check_database)
        self._settings = settings
        self._background: dict[str, Background] = {}
        self._on_start: list[Background] = []
        self._on_stop: list[Background] = []
        self._own_until = 0.0

    def background(self, name: str, work: Background, after: Sequence[Background] = ()) -> None:
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

    async def stop_reading(self) -> None:
        """Take nothing new in, and finish what was."""

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """From start to stop, of the web application that is the process."""
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
        logger.info("started", port=self._settings.port)
        try:
            yield
        finally:
            await self._stop(tasks)

    async def _stop(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        budget, started = self._settings.shutdown_seconds, asyncio.get_running_loop().time()
        self._own_until = started + budget * (_READING + _OWN)
        with suppress(TimeoutError):
            async with asyncio.timeout(budget * _READING):
                await self.stop_reading()
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


def serve(create_app: Callable[[], FastAPI], settings: ProcessSettings, name: str) -> None:
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
