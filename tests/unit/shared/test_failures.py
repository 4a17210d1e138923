"""What may be tried again."""

import asyncpg
import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    MessageSizeTooLargeError,
    NotLeaderForPartitionError,
)

from shared.failures import Permanent, Transient, is_transient


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Transient("x"), True),
        (Permanent("x"), False),
        (ConnectionRefusedError(), True),
        (TimeoutError(), True),
        (asyncpg.DeadlockDetectedError("x"), True),
        (asyncpg.SerializationError("x"), True),
        (asyncpg.CannotConnectNowError("x"), True),
        (asyncpg.AdminShutdownError("x"), True),
        (asyncpg.ConnectionDoesNotExistError("x"), True),
        (asyncpg.InterfaceError("pool is closed"), True),
        (asyncpg.UndefinedColumnError("x"), True),
        (asyncpg.InvalidPasswordError("x"), True),
        (asyncpg.ReadOnlySQLTransactionError("x"), True),
        (asyncpg.DiskFullError("x"), True),
        (asyncpg.ProgramLimitExceededError("x"), False),
        (asyncpg.CardinalityViolationError("x"), False),
        (asyncpg.UniqueViolationError("x"), False),
        (asyncpg.InvalidTextRepresentationError("x"), False),
        (KafkaConnectionError("x"), True),
        (NotLeaderForPartitionError("x"), True),
        (MessageSizeTooLargeError("x"), False),
        (ValueError("x"), False),
        (KeyError("x"), False),
    ],
)
def test_only_what_time_can_mend_is_transient(error: Exception, *, expected: bool) -> None:
    assert is_transient(error) is expected
