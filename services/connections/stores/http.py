"""Stores and their credentials over HTTP."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from services.catalog import PLATFORM_NAMES
from services.connections.callers import Caller
from services.connections.connection import transitions
from services.connections.dependencies import Process, TracedCaller, caller_of
from services.connections.stores import (
    addresses,
    credentials,
    models,
    own,
    platforms,
    registry,
    rules,
    store,
)
from services.connections.stores.models import Store
from shared.contracts.fields import PRINTABLE
from shared.contracts.stores_changed import PaymentRules
from shared.failures import Refused
from shared.postgres.database import Session
from shared.web.access import Account, DelegableAccount, DelegableKeys
from shared.web.auth import Principal
from shared.web.if_match import IfMatch
from shared.web.openapi import refuses
from shared.web.pagination import After, Limit, Page, decode_cursor_part, page_of
from shared.web.parameters import Form, only_known_parameters

Platform = Annotated[
    str,
    AfterValidator(platforms.known_platform),
    Field(json_schema_extra={"enum": list(PLATFORM_NAMES)}),
]
StoreUrl = Annotated[str, Field(max_length=500), AfterValidator(addresses.normalise_domain)]
CredentialKind = Annotated[
    str,
    AfterValidator(platforms.known_kind),
    Field(json_schema_extra={"enum": list(platforms.CREDENTIAL_KINDS)}),
]
MethodName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=PRINTABLE)]

router = APIRouter(prefix="/v1/stores", tags=["stores"], dependencies=[only_known_parameters])


class StoreOfBrand(BaseModel):
    """One sales channel of a brand; `proven`: an answer from its domain says that it is."""

    id: UUID
    platform: str
    domain: str
    proven: bool


class NewStore(Form):
    """A store of the brand that asks."""

    store_url: StoreUrl
    platform: Platform = "custom"


class StoredPaymentRules(Form):
    """What the store says about orders that are not paid yet.

    `hold_unpaid`: they wait (a hold of kind `payment`) until the store says they are paid.
    `ship_unpaid_methods`: payment methods, as the store names them, whose orders are shipped all
    the same, such as cash on delivery.
    """

    hold_unpaid: bool = True
    ship_unpaid_methods: Annotated[list[MethodName], Field(max_length=100)] = Field(
        default_factory=list
    )


class StorePatch(Form):
    """What changes; the payment rules are replaced as a whole."""

    payment_rules: StoredPaymentRules


class CredentialRequest(Form):
    """`api_key` makes a key for the generic order API; a platform keeps the secret of its app.

    The platform signs its webhooks with that secret.
    """

    kind: CredentialKind
    secret: Annotated[str, Field(min_length=8, max_length=500)] | None = Field(
        default=None, validate_default=True
    )

    @field_validator("secret")
    @classmethod
    def _fits_the_kind(cls, secret: str | None, info: ValidationInfo) -> str | None:
        # A kind that is wrong itself is not there, and is what the caller is told of.
        kind = info.data.get("kind")
        return secret if kind is None else platforms.fitting_secret(kind, secret)


class NewCredential(BaseModel):
    """`secret` is the API key, shown once; absent for secrets that the platform gave."""

    id: UUID
    kind: str
    secret: str | None = None


class ListedCredential(BaseModel):
    """A credential that is valid now.

    `store_id` is the id that it is good for: that of a claim which joined this store stays valid.
    """

    id: UUID
    store_id: UUID
    kind: str
    created_at: datetime


class StoreDetail(StoreOfBrand):
    """A store and the credentials that are valid now."""

    brand_id: UUID
    version: int
    payment_rules: StoredPaymentRules
    credentials: list[ListedCredential]
    created_at: datetime


@router.post(
    "",
    status_code=201,
    summary="Add a store of one's own",
    openapi_extra=refuses("brand_only", idempotent=True),
)
async def add_store(
    request: Request, process: Process, caller: TracedCaller, body: NewStore
) -> StoreOfBrand:
    """By the brand. A store that it has is found, whatever the spelling of its address."""

    async def create(session: Session) -> StoreOfBrand:
        return _listed(await own.add_store(session, body.platform, body.store_url, caller))

    async def again(session: Session, _: StoreOfBrand) -> None:
        await own.require_brand(session, caller.account_id)

    return await process.idempotency_keys.run_once(
        request, str(caller.account_id), StoreOfBrand, body, create, again
    )


@router.get("", summary="List the brand's stores, newest first")
async def list_stores(
    process: Process, caller: Account, limit: Limit = 50, after: After = None
) -> Page[StoreOfBrand]:
    """Those of the calling account."""
    async with process.database.reading() as session:
        rows = await store.list_stores(
            session, caller.account_id, decode_cursor_part(after, UUID), limit + 1
        )
    return page_of(rows, limit, _listed, lambda row: row.id)


def _listed(found: Store) -> StoreOfBrand:
    return StoreOfBrand(
        id=found.id,
        platform=found.platform,
        domain=found.domain,
        proven=found.proven_at is not None,
    )


@router.get("/{store_id}", summary="One store")
async def get_store(
    response: Response, process: Process, caller: DelegableAccount, store_id: UUID
) -> StoreDetail:
    """For its brand and the 3PLs connected to it; the version is also the `ETag`."""
    _require_within(caller, store_id)
    async with process.database.reading() as session:
        access = await registry.visible_store(session, store_id, caller.account_id)
        # Whoever may change them sees them.
        valid = (
            await store.list_all_credentials(session, access.store.id)
            if access.may_set_keys and _may_set_keys(caller)
            else []
        )
    response.headers["ETag"] = f'"{access.store.version}"'
    return _present(access.store, valid)


def _require_within(caller: Principal, store_id: UUID) -> None:
    """In a brand's name its 3PL sees the store of their connection alone.

    Raises:
        Refused: `not_found`.
    """
    if caller.delegation is not None and caller.delegation.store_id != store_id:
        raise Refused("not_found", what="store")


def _may_set_keys(caller: Principal) -> bool:
    return caller.delegation is None or caller.delegation.may_set_keys


async def _note(
    session: Session, principal: Principal, caller: Caller, action: str, credential_id: UUID
) -> None:
    """What a 3PL does in its brand's name stands in the audit log of their connection."""
    if principal.delegation is not None:
        await transitions.note(
            session,
            principal.delegation.connection_id,
            caller,
            action,
            {"credential_id": str(credential_id)},
        )


@router.patch(
    "/{store_id}",
    summary="Change what the store says about its orders",
    openapi_extra=refuses("brand_only", "version_conflict"),
)
async def change_store(
    process: Process, caller: TracedCaller, store_id: UUID, body: StorePatch, version: IfMatch
) -> StoreDetail:
    """By the brand; counts for orders that come in from then on, within a second."""
    wanted = PaymentRules(
        hold_unpaid=body.payment_rules.hold_unpaid,
        ship_unpaid_methods=tuple(body.payment_rules.ship_unpaid_methods),
    )
    async with process.database.transaction() as session:
        changed = await rules.change_payment_rules(session, store_id, wanted, caller, version)
        valid = await store.list_all_credentials(session, changed.id)
    return _present(changed, valid)


def _present(found: Store, valid: Sequence[models.ListedCredential]) -> StoreDetail:
    return StoreDetail(
        id=found.id,
        platform=found.platform,
        domain=found.domain,
        proven=found.proven_at is not None,
        brand_id=found.brand_id,
        version=found.version,
        payment_rules=StoredPaymentRules.model_validate(found.payment_rules.model_dump()),
        created_at=found.created_at,
        credentials=[
            ListedCredential(
                id=listed.credential.id,
                store_id=listed.store_id,
                kind=listed.credential.kind,
                created_at=listed.created_at,
            )
            for listed in valid
        ],
    )


@router.post(
    "/{store_id}/credentials",
    status_code=201,
    summary="Add a credential; two may be valid at once, for rotation",
    openapi_extra=refuses(
        "brand_only", "too_many_credentials", "credential_revoked", idempotent=True
    ),
)
async def create_credential(
    request: Request,
    process: Process,
    principal: DelegableKeys,
    store_id: UUID,
    body: CredentialRequest,
) -> NewCredential:
    """By the brand, or by its 3PL until it has accepted, and in its name where it allows that."""
    _require_within(principal, store_id)
    caller = caller_of(principal, request)

    async def create(session: Session) -> NewCredential:
        made, key = await credentials.add_credential(
            session, store_id, body.kind, body.secret, caller, process.sealer
        )
        await _note(session, principal, caller, "credential_created", made.id)
        return NewCredential(id=made.id, kind=made.kind, secret=key)

    async def again(session: Session, answer: NewCredential) -> None:
        await credentials.require_valid(session, store_id, answer.id, caller)

    return await process.idempotency_keys.run_once(
        request, str(caller.account_id), NewCredential, body, create, again
    )


@router.delete(
    "/{store_id}/credentials/{credential_id}",
    status_code=204,
    summary="Revoke a credential",
    openapi_extra=refuses("brand_only"),
)
async def revoke_credential(
    request: Request,
    process: Process,
    principal: DelegableKeys,
    store_id: UUID,
    credential_id: UUID,
) -> Response:
    """Requests that use it are refused as soon as ingest has heard, within a second."""
    _require_within(principal, store_id)
    caller = caller_of(principal, request)
    async with process.database.transaction() as session:
        await credentials.revoke_credential(session, store_id, credential_id, caller)
        await _note(session, principal, caller, "credential_revoked", credential_id)
    return Response(status_code=204)
