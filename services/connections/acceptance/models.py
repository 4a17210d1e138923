"""What a client is shown before it accepts. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.connections.brands.models import BrandProfile
from services.connections.connection.models import Connection


@dataclass(frozen=True, slots=True)
class ClaimedKey:
    """A credential that the 3PL made for its client's store, and that the client may adopt."""

    id: UUID
    kind: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for what: the connection as it waits, and the form it came from."""

    connection: Connection
    profile: BrandProfile
    expires_at: datetime
    keys: Sequence[ClaimedKey] = ()
    has_password: bool = False


def hinted(email: str) -> str:
    """An address as whoever knows it recognises it: `a…@shop.example`."""
    name, _, host = email.rpartition("@")
    return f"{name[:1]}…@{host}"
