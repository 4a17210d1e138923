"""The public HTTP APIs of the four services as plain calls, for the demo, the bench and tests.

Thin on purpose: what a call sends and gives stands in the services' own `/docs`.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

Json = dict[str, Any]
_TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Addresses:
    """Base URLs of the four services, e.g. `http://127.0.0.1:8001`."""

    connections: str
    ingest: str
    routing: str
    webhooks: str

    def items(self) -> Iterator[tuple[str, str]]:
        """Each service's name and base URL."""
        yield "connections", self.connections
        yield "ingest", self.ingest
        yield "routing", self.routing
        yield "webhooks", self.webhooks


class Refused(Exception):  # noqa: N818  as the API says it
    """A service answered with a problem.

    Args:
        method: of the request, with `url`.
        status: HTTP status code; `code` is the problem's stable code, "" without one.
    """

    def __init__(self, method: str, url: str, status: int, body: str, code: str) -> None:
        super().__init__(f"{method} {url} answered {status}: {body[:400]}")
        self.status = status
        self.code = code


class NeverHappened(Exception):  # noqa: N818  says what (did not) happen
    """Something awaited did not come true before its deadline; says where to look."""


def wait_for(
    what: str,
    condition: Callable[[], T | None],
    *,
    seconds: float,
    look_at: str,
    every: float = 0.1,
) -> T:
    """The first value of `condition()` that is neither None nor False.

    Raises:
        NeverHappened: not within `seconds`; names `what`, and what to `look_at`.
    """
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value is not None and value is not False:
            return value
        if time.monotonic() > deadline:
            raise NeverHappened(f"After {seconds:g} s {what}. Look at {look_at}.")
        time.sleep(every)
