"""Orders by day: one function per named query, each given a session."""

from datetime import datetime
from pathlib import Path

from services.routing.lists.filter import Viewer
from shared.postgres.database import Session, load_queries

_queries = load_queries(Path(__file__).parent / "queries.sql")


async def orders_by_day(
    session: Session, viewer: Viewer, days: int, most: int
) -> list[tuple[datetime, int]]:
    """How many orders were accepted on each of the last days, the oldest day first.

    Args:
        session: that reads.
        viewer: who looks.
        days: of UTC, today is the last.
        most: counts end here.
    """
    rows = await _queries.orders_by_day.all(
        session,
        account=viewer.account,
        as_three_pl=viewer.as_three_pl,
        in_store=viewer.in_store,
        in_connection=viewer.in_connection,
        days=days,
        most=most,
    )
    return [(row["day"], row["orders"]) for row in rows]
