"""Proving a store over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, Field, SecretStr

from services.connections.dependencies import Process, TracedCaller
from services.connections.proofs import models, proving
from services.connections.proofs.admin_api import Key
from services.connections.proofs.looking import WELL_KNOWN
from services.connections.proofs.models import Way
from services.connections.proofs.reading import META_NAME
from services.connections.stores.models import Store
from shared.web.openapi import refuses
from shared.web.parameters import Form, only_known_parameters

router = APIRouter(
    prefix="/v1/stores/{store_id}/proofs", tags=["stores"], dependencies=[only_known_parameters]
)


def _for_header(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    if not (text.isascii() and text.isprintable()):
        raise ValueError("printable ASCII is expected")
    return key


OneKey = Annotated[
    SecretStr,
    Field(min_length=1, max_length=200, json_schema_extra={"pattern": "^[ -~]+$"}),
    AfterValidator(_for_header),
]


class File(BaseModel):
    """A text file with the token in it, alone or one of several lines."""

    url: str
    content: str


class MetaTag(BaseModel):
    """A tag in the head of the front page."""

    url: str
    tag: str


class TxtRecord(BaseModel):
    """A record in DNS."""

    name: str
    value: str


class Challenge(BaseModel):
    """What to publish at the domain, in one of the ways; the token is no secret."""

    token: str
    well_known: File
    meta_tag: MetaTag
    dns_txt: TxtRecord
    expires_at: datetime


class AdminApiKey(Form):
    """A key of the platform's admin API, asked with once and kept nowhere.

    Shopify: `access_token`. WooCommerce: `consumer_key` and `consumer_secret`.
    """

    access_token: OneKey | None = None
    consumer_key: OneKey | None = None
    consumer_secret: OneKey | None = None

    def shown(self) -> Key:
        """The same, in the clear."""
        return Key(
            **{name: one.get_secret_value() for name, one in self if one is not None},
        )


class ProofCheck(Form):
    """Where the token was published; `admin_api` is a proof by itself, and needs a key."""

    way: Way
    admin_api: AdminApiKey | None = None


class Proof(BaseModel):
    """The store is proven."""

    store_id: UUID
    proven: bool = Field(default=True, description="Always true: else it is a problem.")
    proven_at: datetime
    proven_by: Way


def _present(of_store: Store, challenge: models.Challenge) -> Challenge:
    site, token = f"https://{of_store.domain}", challenge.token
    return Challenge(
        token=token,
        well_known=File(url=f"{site}{WELL_KNOWN}", content=token),
        meta_tag=MetaTag(url=f"{site}/", tag=f'<meta name="{META_NAME}" content="{token}">'),
        # Records are of names; a port has none of its own.
        dns_txt=TxtRecord(name=of_store.domain.partition(":")[0], value=f"{META_NAME}={token}"),
        expires_at=challenge.expires_at,
    )


@router.post(
    "",
    status_code=201,
    summary="What to publish at the domain to prove a store",
    openapi_extra=refuses("brand_only"),
)
async def ask_for_challenge(process: Process, caller: TracedCaller, store_id: UUID) -> Challenge:
    """By the brand. Good for 7 days, and the same one as long."""
    async with process.database.transaction() as session:
        of_store, challenge = await proving.challenge(session, store_id, caller)
    return _present(of_store, challenge)


@router.post(
    "/check",
    summary="Look at the domain now",
    openapi_extra=refuses("brand_only", "proof_not_found", "too_many_attempts"),
)
async def check(process: Process, caller: TracedCaller, store_id: UUID, body: ProofCheck) -> Proof:
    """By the brand. The newest proof counts: the same store of another account loses its own."""
    proof = await proving.check(
        process.database,
        process.looker,
        process.guessing,
        process.outgoing,
        store_id,
        body.way,
        body.admin_api.shown() if body.admin_api else Key(),
        caller,
    )
    return Proof(store_id=proof.store_id, proven_at=proof.proven_at, proven_by=proof.proven_by)
