"""The ways work can end badly, and the one place that tells what may be tried again.

- `Transient`: the same input may succeed later (a database is restarting, a lock was lost).
- `Permanent`: a message fails however often it is tried; it belongs in the dead letters.
- `Refused`: a request was understood, and the rules say no. Decisions raise it, or return it.

`shared.kafka.batch` maps them to wait and dead letter, `shared.web.problems` to HTTP; nothing else
decides on retries or status codes.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class Transient(Exception):  # noqa: N818  named for what it is, as in `raise Transient`
    """The same input may succeed later.

    Args:
        reason: what was missing, for the log.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Permanent(Exception):  # noqa: N818  as above
    """The same input fails however often it is tried; it belongs in a dead-letter topic.

    Args:
        reason: what is wrong with the input, naming the field; stored with the dead letter.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Refused(Exception):  # noqa: N818  as above
    """The rules say no; nothing was changed.

    Args:
        code: stable, snake_case; one of `shared.web.problems.CATALOGUE`, which has its HTTP status
            and the sentence for people.
        errors: which fields are wrong: `[{"pointer": "/lines/0/price", "message": "…"}]` (JSON
            Pointer, RFC 6901).
        facts: what the caller needs to decide again, such as the current `version`; members of the
            answer, and what the sentence is completed with.
    """

    def __init__(
        self, code: str, *, errors: Sequence[Mapping[str, str]] = (), **facts: Any
    ) -> None:
        super().__init__(f"{code} {facts}" if facts else code)
        self.code = code
        self.errors = list(errors)
        self.facts = facts


# SQLSTATE classes that are about the values that were sent: 21 (cardinality), 22 (data), 23
# (integrity), 54 (limits, e.g. of an index entry). PostgreSQL 18, appendix A. All others are about
# the server, e.g. 08 (connection), 28 (password), 40 (deadlock), 42 (a migration that is yet to
# run), 57 (restart): an operator mends them, and good messages have to wait for that.
_PERMANENT_SQLSTATES = ("21", "22", "23", "54")
# By name, so that this module imports no driver.
_TRANSIENT_NAMES = frozenset({"InterfaceError", "InternalClientError"})


def is_transient(error: BaseException) -> bool:
    """Whether the same work may succeed later.

    Connection losses, time-outs, deadlocks, restarts and a schema that is not there yet are
    transient; everything else is a property of the input or a bug and is not.
    """
    if isinstance(error, Transient):
        return True
    if isinstance(error, Permanent | Refused):
        return False
    sqlstate = getattr(error, "sqlstate", None)
    if isinstance(sqlstate, str):
        return not sqlstate.startswith(_PERMANENT_SQLSTATES)
    if type(error).__module__.startswith("aiokafka"):
        return bool(getattr(error, "retriable", False)) or "Connection" in type(error).__name__
    # asyncpg raises InterfaceError for a pool or connection that was closed under us.
    if type(error).__module__.startswith("asyncpg"):
        return type(error).__name__ in _TRANSIENT_NAMES
    return isinstance(error, (OSError, TimeoutError, ConnectionError))
