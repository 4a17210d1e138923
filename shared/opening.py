"""What a process has to have done before it answers and decides: once, one after the other."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from shared.failures import is_transient

logger = structlog.get_logger(__name__)
_RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Step:
    """`work` returns when it is done, and may be called again when it failed.

    `missing` says what is still to be done, for readiness.
    """

    work: Callable[[], Awaitable[None]]
    missing: Callable[[], str | None]


class Opening:
    """The steps of one process.

    Args:
        first: what comes before all others.
    """

    def __init__(self, first: Step) -> None:
        self._steps = [first]
        self._at = 0
        self._done = asyncio.Event()

    def add(self, step: Step) -> None:
        """One more, after those that are there."""
        self._steps.append(step)

    @property
    def is_done(self) -> bool:
        """Whether the process is open."""
        return self._done.is_set()

    async def wait(self) -> None:
        """Return once it is."""
        await self._done.wait()

    async def run(self) -> None:
        """Do the steps; what fails is tried again until it works. Never returns."""
        while self._at < len(self._steps):
            try:
                await self._steps[self._at].work()
            except Exception as error:
                logger.warning(
                    "not open yet, and tried again",
                    reason=str(error) or repr(error),
                    exc_info=None if is_transient(error) else error,
                )
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                self._at += 1
        self._done.set()
        await asyncio.Event().wait()

    async def check(self) -> str | None:
        """Readiness: what is the step at which it is?"""
        if self.is_done:
            return None
        missing = self._steps[min(self._at, len(self._steps) - 1)].missing()
        return missing or "not open yet"
