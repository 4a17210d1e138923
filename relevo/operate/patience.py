"""Waiting for a server that may still come up, aloud."""

import socket
from asyncio import sleep
from collections.abc import Callable
from time import monotonic
from urllib.parse import urlsplit

_PAUSE_SECONDS = 0.1
_SAY_SECONDS = 1.0


class Patience:
    """Between the tries to reach a server, until the time is over.

    Args:
        what: is waited for, with its address and without a password.
        seconds: until it is an error.
        say: called about once a second with how long it has been.
    """

    def __init__(self, what: str, seconds: float, say: Callable[[str], None]) -> None:
        self._what, self._seconds, self._say = what, seconds, say
        self._started = self._said = monotonic()

    async def bear(self, error: Exception) -> None:
        """Wait a moment after a try that failed.

        Raises:
            Exception: the error itself, when the time is over.
        """
        now = monotonic()
        if now - self._started >= self._seconds:
            raise error
        if now - self._said >= _SAY_SECONDS:
            self._said = now
            waited = f"{int(now - self._started)} s of {self._seconds:g}"
            self._say(f"{self._what}: {in_words(error)}, {waited}")
        await sleep(_PAUSE_SECONDS)


def in_words(error: Exception) -> str:
    """Why a server could not be reached, as people say it."""
    match error:
        case ConnectionRefusedError():
            return "connection refused"
        case TimeoutError():
            return "no answer"
        case socket.gaierror():
            return "its host name is not known"
        case _ if type(error).__name__ == "KafkaConnectionError":  # it names address families
            return "no broker answers"
        case _:
            return str(error) or type(error).__name__


def place(dsn: str) -> str:
    """`host:port` of a DSN, and never more of it; empty when it cannot be told."""
    try:
        netloc = urlsplit(dsn).netloc
    except ValueError:
        return ""
    # A password with an unquoted / ? or # would begin there, and end somewhere else.
    return "" if "@" in dsn and "@" not in netloc else netloc.rpartition("@")[2]
