"""What fulfilment has of erased accounts: one function per named query, each given a session."""

from pathlib import Path
from uuid import UUID

from shared.postgres.database import Session, load_queries

_queries = load_queries(Path(__file__).parent / "queries.sql")


async def forget_rules(session: Session, account: UUID) -> None:
    """Empty every version of the account's shipping rules."""
    await _queries.forget_rules.run(session, account=account)


async def forget_labels(session: Session, account: UUID, chunk: int) -> int:
    """Forget what the next labels of a brand said; how many."""
    return await _queries.forget_labels.run(session, account=account, chunk=chunk)


async def forget_carrier_accounts(session: Session, account: UUID) -> None:
    """Forget how the account reaches its carriers."""
    await _queries.forget_carrier_accounts.run(session, account=account)


async def forget_shipments(session: Session, account: UUID, chunk: int) -> int:
    """Forget where the next shipments of a brand went, and what was in them; how many."""
    return await _queries.forget_shipments.run(session, account=account, chunk=chunk)


async def forget_orders(session: Session, account: UUID, chunk: int) -> int:
    """Forget what the next orders of a brand said; how many there were."""
    return await _queries.forget_orders.run(session, account=account, chunk=chunk)


async def forget_tickets(session: Session, account: UUID, chunk: int, *, is_brand: bool) -> int:
    """Forget what the next tickets said, with all that is in them; how many there were."""
    rows = await _queries.forget_tickets.all(
        session, account=account, chunk=chunk, is_brand=is_brand
    )
    tickets = [row["id"] for row in rows]
    await _queries.forget_messages.run(session, tickets=tickets)
    await _queries.delete_parts.run(session, tickets=tickets)
    await _queries.forget_attachments.run(session, tickets=tickets)
    return len(tickets)


async def delete_idempotency_keys(session: Session, account: UUID) -> None:
    """Forget the answers that the account got."""
    await _queries.delete_idempotency_keys.run(session, account=account)


async def forget_list_names(session: Session, account: UUID) -> None:
    """Empty the names of its price lists, and of those that are for it."""
    await _queries.forget_list_names.run(session, account=account)


async def forget_reasons(session: Session, account: UUID, chunk: int) -> int:
    """Forget the reasons of its next entries; how many there were."""
    return await _queries.forget_reasons.run(session, account=account, chunk=chunk)
