"""A blocked 3PL as it is kept. Pure."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Block:
    """A 3PL that a brand has blocked."""

    three_pl_id: UUID
    name: str
    created_at: datetime
