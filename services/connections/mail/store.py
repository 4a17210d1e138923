"""What is kept of mails: one function per named query, each given a session."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal
from uuid import UUID

from services.connections.mail.kinds import Language
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")

CHANNEL = "connections_mails"
State = Literal["pending", "sent", "failed", "suppressed"]


@dataclass(frozen=True, slots=True)
class NewMail:
    """A mail as it is queued; `contents` are sealed, `recipient` is a digest."""

    id: UUID
    kind: str
    language: Language
    recipient: bytes
    contents: str
    once: str | None


@dataclass(frozen=True, slots=True)
class ClaimedMail:
    """A mail that is this process's to send; `attempts` counts from 1 and names the claim."""

    id: UUID
    kind: str
    language: Language
    contents: str
    attempts: int
    created_at: datetime
    age_seconds: float
    is_suppressed: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a claim.

    `wait` is in seconds, of what stays `pending`. `no_mailbox`: there is nobody at this address.
    """

    mail: ClaimedMail
    state: State
    error: str | None = None
    wait: float = 0.0
    no_mailbox: bool = False


async def insert_mails(session: Session, mails: Sequence[NewMail]) -> int:
    """How many were queued; a key that was used already queues nothing."""
    rows = await _queries.insert_mails.all(
        session,
        ids=[mail.id for mail in mails],
        kinds=[mail.kind for mail in mails],
        languages=[mail.language for mail in mails],
        recipients=[mail.recipient for mail in mails],
        contents=[mail.contents for mail in mails],
        onces=[mail.once for mail in mails],
    )
    return len(rows)


async def count_mails(
    session: Session, recipient: bytes, within: timedelta, kinds: Sequence[str] | None
) -> int:
    """How many mails an address got, or will get, of that time."""
    found: int = await _queries.count_mails.value(
        session, recipient=recipient, seconds=within.total_seconds(), kinds=kinds
    )
    return found


async def claim_mails(session: Session, most: int, lease_seconds: float) -> list[ClaimedMail]:
    """Mails that are due, the oldest first; nobody else sends them until the lease ends."""
    rows = await _queries.claim_mails.all(session, most=most, lease_seconds=lease_seconds)
    return [row_as(ClaimedMail, row) for row in rows]


async def record_outcomes(
    session: Session, outcomes: Sequence[Outcome], suppress_seconds: float
) -> None:
    """Write what became of claims; those whose lease ended meanwhile are left alone."""
    await _queries.record_outcomes.run(
        session,
        ids=[outcome.mail.id for outcome in outcomes],
        attempts=[outcome.mail.attempts for outcome in outcomes],
        states=[outcome.state for outcome in outcomes],
        waits=[outcome.wait for outcome in outcomes],
        errors=[outcome.error for outcome in outcomes],
        no_mailboxes=[outcome.no_mailbox for outcome in outcomes],
        suppress_seconds=suppress_seconds,
    )


async def delete_ended_mails(session: Session, after: timedelta) -> None:
    """Forget some of the mails that ended longer ago."""
    await _queries.delete_ended_mails.run(session, seconds=after.total_seconds())


async def measure_mails(session: Session) -> tuple[int, float]:
    """How many wait, counted up to a bound, and for how many seconds the oldest does."""
    row = await _queries.measure_mails.one(session)
    return (row["waiting"], row["oldest_seconds"]) if row else (0, 0.0)
