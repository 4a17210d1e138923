"""Mail over HTTP: what carriers answer comes in by the mail server."""

import hashlib
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.openapi.models import APIKey, APIKeyIn
from fastapi.security.base import SecurityBase
from pydantic import BaseModel, Field, StringConstraints

from services.fulfilment.tickets import desk
from services.fulfilment.tickets.dependencies import Desk
from services.fulfilment.tickets.mail.addresses import reply_key
from shared.failures import Refused
from shared.signing import fits
from shared.web.access import Access
from shared.web.parameters import Form, only_known_parameters

_SIGNATURE = "webhook-signature"
Line = Annotated[str, StringConstraints(max_length=998)]


class MailServerAccess(Access, SecurityBase):
    """The mail server of the installation, by its signature of the body."""

    refusals = ("missing_signature", "invalid_signature")

    def __init__(self) -> None:
        self.scheme_name = "MailSignature"
        self.model = APIKey(
            **{"in": APIKeyIn.header},
            name=_SIGNATURE,
            description="Standard Webhooks 1.0, by `RELEVO_FULFILMENT_MAIL_SECRET`.",
        )

    async def __call__(self, request: Request) -> None:
        """Look at the signature of the body.

        Raises:
            Refused: `missing_signature`; `invalid_signature`, always so where no secret is set.
        """
        if not request.headers.get(_SIGNATURE):
            raise Refused(
                "missing_signature",
                header=_SIGNATURE,
                platform="the mail server",
                otherwise="the secret is `RELEVO_FULFILMENT_MAIL_SECRET`",
            )
        secret: str = request.app.state.tickets.mail_secret
        if not fits(secret, request.headers, await request.body(), time.time()):
            raise Refused("invalid_signature", header=_SIGNATURE, platform="the mail server")


class InboundMail(Form):
    """A mail as the mail server took it; `text` is its plain text, cut before it is sent here."""

    from_: Annotated[Line, Field(alias="from")]
    to: Line
    subject: Line = ""
    text: Annotated[str, StringConstraints(max_length=20_000)]
    message_id: Annotated[Line, Field(min_length=1, description="Its `Message-ID`.")]


class Taken(BaseModel):
    """What became of it. `added`: now; a mail that is known, or is for no ticket, adds nothing."""

    added: bool


router = APIRouter(prefix="/v1", tags=["mail"], dependencies=[only_known_parameters])


@router.post(
    "/mail/inbound",
    status_code=202,
    summary="A mail came for a ticket",
    dependencies=[Depends(MailServerAccess())],
)
async def take_mail(process: Desk, body: InboundMail) -> Taken:
    """By the address that it came to, whoever sent it; the same `message_id` once.

    For an address that is no ticket's the answer is the same: nothing is there to try again.
    """
    key = reply_key(body.to, process.post.domain)
    if key is None:
        return Taken(added=False)
    text = body.text.replace("\0", "").strip()
    digest = hashlib.sha256(body.message_id.strip().encode()).digest()
    async with process.database.transaction() as session:
        return Taken(added=await desk.take_answer(session, key, digest, text))
