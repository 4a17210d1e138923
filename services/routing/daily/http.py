"""Orders by day over HTTP."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from services.routing.daily import store
from services.routing.lists.facets import MOST
from services.routing.lists.filter import Viewer
from shared.runtime import Schema
from shared.web.access import DelegableAccount
from shared.web.parameters import only_known_parameters

_MOST_DAYS = 31

router = APIRouter(prefix="/v1/orders", tags=["orders"], dependencies=[only_known_parameters])


class Day(BaseModel):
    """How many orders were accepted on a day (UTC); `is_capped`: there were more."""

    day: date
    count: int
    is_capped: bool


class Daily(BaseModel):
    """The last days, the oldest first."""

    days: list[Day] = Field(description="One for each day, today is the last.")


@router.get("/daily", summary="Orders by day")
async def orders_by_day(
    caller: DelegableAccount,
    database: Schema,
    days: Annotated[int, Query(ge=1, le=_MOST_DAYS)] = 14,
) -> Daily:
    """By `accepted_at`, whoever has them now: all of a brand's, and those that a 3PL owns."""
    async with database.reading() as session:
        rows = await store.orders_by_day(session, Viewer.of(caller), days, MOST + 1)
    return Daily(
        days=[
            Day(day=at.date(), count=min(count, MOST), is_capped=count > MOST) for at, count in rows
        ]
    )
