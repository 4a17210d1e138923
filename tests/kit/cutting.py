"""A process that dies at one statement of a batch: its session ends there, before it or after."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import asyncpg
import pytest

from shared.kafka.batch import BatchHandler
from shared.kafka.topics import Topic

_in_batch: ContextVar[bool] = ContextVar("in_batch", default=False)


class Cut:
    """Ends the session at one statement of a batch of `topic`, counted from 1."""

    def __init__(self, topic: Topic) -> None:
        self._topic = topic
        self._at, self._is_after, self._seen = 0, False, 0
        self.happened = False

    def arm(self, at: int, *, is_after: bool) -> None:
        """The next batch is cut off before or after its statement `at`."""
        self._at, self._is_after, self._seen, self.happened = at, is_after, 0, False

    @contextmanager
    def here(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Watch the statements of this process."""
        handle = BatchHandler.__call__

        async def watched(handler: BatchHandler[Any], records: Any) -> None:
            is_ours = handler._topic is self._topic
            token = _in_batch.set(is_ours)
            self._seen = 0 if is_ours else self._seen
            try:
                await handle(handler, records)
            finally:
                _in_batch.reset(token)

        with monkeypatch.context() as patching:
            patching.setattr(BatchHandler, "__call__", watched)
            for name in ("execute", "fetch", "fetchrow", "fetchval"):
                patching.setattr(asyncpg.Connection, name, self._cutting(name))
            yield

    def _cutting(self, name: str) -> Callable[..., Any]:
        original = getattr(asyncpg.Connection, name)

        async def call(session: asyncpg.Connection, *arguments: Any, **named: Any) -> Any:
            is_here = False
            if _in_batch.get() and not self.happened:
                self._seen += 1
                is_here = self._seen == self._at
            if not is_here:
                return await original(session, *arguments, **named)
            self.happened = True
            if self._is_after:
                await original(session, *arguments, **named)
            session.terminate()
            raise asyncpg.ConnectionDoesNotExistError("cut off")

        return call
