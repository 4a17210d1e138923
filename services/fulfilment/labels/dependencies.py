"""What the endpoints of carriers and labels need of their process."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from services.fulfilment.carrier_accounts.account import Carriers
from services.fulfilment.labels.buying import Buyer
from shared.egress.url_check import UrlCheck
from shared.postgres.database import Database
from shared.sealing import Sealer
from shared.web.idempotency import IdempotencyKeys
from shared.web.places import Places


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The parts of one process that labels are bought with."""

    database: Database
    sealer: Sealer
    idempotency_keys: IdempotencyKeys
    carriers: Carriers
    url_check: UrlCheck
    buyer: Buyer
    # Before a carrier has proved itself: of all, and of one network.
    places: Places
    addresses: Places


async def _dependencies(request: Request) -> Dependencies:
    found: Dependencies = request.app.state.labels
    return found


Desk = Annotated[Dependencies, Depends(_dependencies)]
