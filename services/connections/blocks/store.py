"""What is kept of blocks: one function per named query, each given a session."""

from pathlib import Path
from uuid import UUID

from services.connections.blocks.models import Block
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


async def insert_block(session: Session, account_id: UUID, three_pl_id: UUID) -> None:
    """Keep that the account blocks a 3PL; however often."""
    await _queries.insert_block.run(session, account_id=account_id, three_pl_id=three_pl_id)


async def delete_block(session: Session, account_id: UUID, three_pl_id: UUID) -> None:
    """Forget it; however often."""
    await _queries.delete_block.run(session, account_id=account_id, three_pl_id=three_pl_id)


async def list_blocks(
    session: Session, account_id: UUID, after: UUID | None, limit: int
) -> list[Block]:
    """The 3PLs that an account has blocked, those that are new to Relevo first."""
    rows = await _queries.list_blocks.all(session, account_id=account_id, after=after, limit=limit)
    return [row_as(Block, row) for row in rows]


async def is_blocked(session: Session, account_id: UUID, three_pl_id: UUID) -> bool:
    """Whether the account has blocked the 3PL."""
    return bool(
        await _queries.is_blocked.value(session, account_id=account_id, three_pl_id=three_pl_id)
    )


async def is_unwanted(session: Session, email: str, three_pl_id: UUID) -> bool:
    """Whether an owner of an account that has blocked the 3PL reads this address."""
    return bool(await _queries.is_unwanted.value(session, email=email, three_pl_id=three_pl_id))
