"""What the endpoints of tickets need of their process."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from services.fulfilment.tickets.mail.outgoing import Post
from shared.postgres.database import Database
from shared.web.idempotency import IdempotencyKeys


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The parts of one process that tickets are worked with."""

    database: Database
    idempotency_keys: IdempotencyKeys
    post: Post
    mail_secret: str


async def _dependencies(request: Request) -> Dependencies:
    found: Dependencies = request.app.state.tickets
    return found


Desk = Annotated[Dependencies, Depends(_dependencies)]
