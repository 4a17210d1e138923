"""A webhook URL as it is kept and told: sealed, with what may be shown of it. Pure."""

from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

from shared.egress.masking import masked
from shared.sealing import Sealer


@dataclass(frozen=True, slots=True)
class SealedUrl:
    """`sealed` for its endpoint, `masked` for its owner's eyes."""

    sealed: str = field(repr=False)
    masked: str

    @classmethod
    def of(cls, url: str, endpoint_id: UUID, sealer: Sealer) -> Self:
        """Seal a URL."""
        return cls(sealer.seal(url, _context(endpoint_id)), masked(url))


def open_url(sealed: str | None, plain: str | None, endpoint_id: UUID, sealer: Sealer) -> str:
    """The URL of an endpoint; one of before may still stand in plain.

    Raises:
        Permanent: it was sealed with a key that is not there, or for another endpoint.
    """
    if sealed is None:
        return plain or ""
    return sealer.open(sealed, _context(endpoint_id))


def _context(endpoint_id: UUID) -> str:
    return f"endpoint-url:{endpoint_id}"
