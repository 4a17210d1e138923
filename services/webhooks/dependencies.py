"""What webhooks' operations need of their process."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from services.webhooks.brand_endpoints.changing import BrandEndpoints
from services.webhooks.endpoints import Endpoints
from services.webhooks.url_test import UrlTest
from shared.egress.url_check import UrlCheck
from shared.postgres.database import Database
from shared.web.idempotency import IdempotencyKeys


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The parts of one process of webhooks.

    Args:
        note_work: tells that Postgres may have deliveries for endpoints.
    """

    database: Database
    endpoints: Endpoints
    brand_endpoints: BrandEndpoints
    idempotency_keys: IdempotencyKeys
    url_check: UrlCheck
    url_test: UrlTest
    note_work: Callable[[Iterable[UUID]], None]


async def _process_of(request: Request) -> Dependencies:
    found: Dependencies = request.app.state.dependencies
    return found


Process = Annotated[Dependencies, Depends(_process_of)]
