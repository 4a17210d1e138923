"""A message on its way to Kafka. Pure."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One message for Kafka: `topic` without the prefix, the key as text, the value as bytes."""

    topic: str
    key: str
    headers: Mapping[str, str]
    value: bytes


class MessageRefused(Exception):  # noqa: N818  says what happened
    """Kafka can never take this message, e.g. it is over the broker's size limit."""


# Produces one message and gives a future that is done when the broker has it; raises
# MessageRefused (now or in the future) for a message that can never be taken.
Send = Callable[[Message], Awaitable[Awaitable[object]]]
