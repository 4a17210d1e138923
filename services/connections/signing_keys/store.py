"""What is kept of signing keys: one function per named query, each given a session."""

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from services.connections.signing_keys.models import NOTICE, VERIFIES_ON, SigningKey
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


async def lock_rotation(session: Session) -> None:
    """Wait for whoever changes the keys, and hold them off to the end of the transaction."""
    await _queries.lock_rotation.value(session)


async def list_keys(session: Session) -> list[SigningKey]:
    """Those that verify, the oldest first; none before the first rotation."""
    return [row_as(SigningKey, row) for row in await _queries.list_keys.all(session)]


async def insert_key(
    session: Session, kid: str, x: str, sealed_key: str | None, signs_from: datetime | None = None
) -> None:
    """Another key."""
    await _queries.insert_key.run(
        session, kid=kid, x=x, sealed_key=sealed_key, signs_from=signs_from
    )


async def delete_others(session: Session, kid: str) -> None:
    """Forget every key but one."""
    await _queries.delete_others.run(session, kid=kid)


async def delete_all_but(session: Session, kids: Collection[str]) -> None:
    """Forget every key but these."""
    await _queries.delete_all_but.run(session, kids=list(kids))


async def last_version(session: Session) -> int:
    """Of the last announcement; 0 before any."""
    return int(await _queries.last_version.value(session))


async def pass_versions(session: Session, count: int) -> None:
    """Leave out the next versions: others were announced under them."""
    await _queries.pass_versions.value(session, count=count)


async def next_version(session: Session) -> int:
    """Of the next announcement."""
    return int(await _queries.next_version.value(session))


async def begin_to_sign(session: Session, seen: Collection[str]) -> datetime | None:
    """From when the key signs that was waiting for this; None when none was."""
    rows = await _queries.begin_to_sign.all(session, kids=list(seen), notice=NOTICE)
    return max((row["signs_from"] for row in rows), default=None)


async def end_the_others(session: Session, signs_from: datetime) -> None:
    """Those that signed before verify for a while, and then no more."""
    await _queries.end_the_others.run(session, signs_from=signs_from, verifies_on=VERIFIES_ON)


async def delete_over(session: Session) -> int:
    """Forget the keys whose tokens are all over; how many."""
    return await _queries.delete_over.run(session)
