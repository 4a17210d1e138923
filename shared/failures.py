"""The two ways work can fail, and the one place that tells them apart.

Everything that handles a message or a request raises `Transient` (try the same again later)
or `Permanent` (trying again cannot help). `shared.bus` maps them to wait / dead letter, and
`shared.problems` to HTTP; nothing else decides on retries.
"""


class Transient(Exception):  # noqa: N818  named for what it is, as in `raise Transient`
    """The same input may succeed later: a database is restarting, a lock was lost.

    Args:
        reason: what was missing, for the log.
        retry_after: seconds to wait before the next try, when known.
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class Permanent(Exception):  # noqa: N818  as above
    """The same input fails however often it is tried; it belongs in a dead-letter topic.

    Args:
        reason: what is wrong with the input, naming the field; stored with the dead letter.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


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
    if isinstance(error, Permanent):
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
