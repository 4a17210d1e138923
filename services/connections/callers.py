"""Who asks for a change. Pure."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Caller:
    """The account that asks, who acts on its behalf, and the trace of the request."""

    account_id: UUID
    actor_id: UUID | None
    traceparent: str
