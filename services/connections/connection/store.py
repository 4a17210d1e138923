"""The schema `connections`: a typed function per query; the SQL is in `sql/queries.sql`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from uuid_utils.compat import uuid7

from services.connections.lifecycle import Plan
from shared.contracts.connections_changed import ConnectionEndpoint, ConnectionState, Party
from shared.contracts.stores_changed import StoreCredential
from shared.postgres.database import Session, load_queries
from shared.web.auth import AccountKind

_queries = load_queries(Path(__file__).parent / "sql" / "queries.sql")


@dataclass(frozen=True, slots=True)
class Account:
    """A tenant; `password_hash` is None until its first login."""

    id: UUID
    kind: AccountKind
    name: str
    email: str
    plan: Plan
    password_hash: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class BrandProfile:
    """The Add Brand form, as one 3PL filled it in."""

    three_pl_id: UUID
    brand_id: UUID
    contact_name: str
    contact_email: str
    company_name: str
    warehouse: str | None
    monthly_order_range: str | None
    priorities: Sequence[str]


@dataclass(frozen=True, slots=True)
class ListedBrand:
    """A brand as its 3PL sees it."""

    profile: BrandProfile
    logged_in: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Store:
    """One sales channel of a brand."""

    id: UUID
    brand_id: UUID
    platform: str
    domain: str
    version: int
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class StoreAccess:
    """How an account stands to a store."""

    is_brand: bool
    is_three_pl: bool
    brand_logged_in: bool


@dataclass(frozen=True, slots=True)
class ListedCredential:
    """A credential that is valid now."""

    credential: StoreCredential
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LinkedConnection:
    """A connection with all that is shown and published of it."""

    id: UUID
    store_id: UUID
    brand_id: UUID
    three_pl_id: UUID
    state: ConnectionState
    version: int
    epoch: int
    priority: int
    settings_version: int
    created_at: datetime
    changed_at: datetime
    platform: str
    domain: str
    brand_name: str
    three_pl_name: str
    three_pl_plan: Plan
    shipping_rules_owner: Party
    billing_owner: Party
    support_owner: Party
    endpoint_id: UUID | None
    webhook_url: str | None


@dataclass(frozen=True, slots=True)
class SettingsVersion:
    """One settings version, as it was made."""

    version: int
    shipping_rules_owner: Party
    billing_owner: Party
    support_owner: Party
    endpoint_id: UUID | None
    webhook_url: str | None
    created_at: datetime
    created_by: UUID


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who changed a connection, when, from what to what."""

    id: UUID
    at: datetime
    account_id: UUID
    actor_id: UUID | None
    action: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LoginLink:
    """A login link and the brand it lets in."""

    connection_id: UUID
    store_id: UUID
    brand_id: UUID
    state: ConnectionState
    password_hash: str | None
    is_redeemed: bool
    is_over: bool


# --- accounts -------------------------------------------------------------------------------


async def insert_account(
    session: Session, kind: AccountKind, name: str, email: str, password_hash: str | None
) -> Account | None:
    """The new account; None when the e-mail is taken."""
    row = await _queries.insert_account.one(
        session, id=uuid7(), kind=kind, name=name, email=email, password_hash=password_hash
    )
    return Account(**row) if row else None


async def account_by_email(session: Session, email: str) -> Account | None:
    """The account of this e-mail, in any letter case."""
    row = await _queries.account_by_email.one(session, email=email)
    return Account(**row) if row else None


async def account_by_id(session: Session, account_id: UUID) -> Account | None:
    """The account."""
    row = await _queries.account_by_id.one(session, id=account_id)
    return Account(**row) if row else None


async def set_plan(session: Session, account_id: UUID, plan: Plan) -> Account | None:
    """The account on its new plan; None when there is none."""
    row = await _queries.set_plan.one(session, id=account_id, plan=plan)
    return Account(**row) if row else None


async def set_first_password(session: Session, account_id: UUID, password_hash: str) -> bool:
    """Whether it was set: only the first login does."""
    changed = await _queries.set_first_password.run(
        session, id=account_id, password_hash=password_hash
    )
    return changed == 1


# --- brands and login links -----------------------------------------------------------------


def _listed_brand(row: asyncpg.Record) -> ListedBrand:
    fields = dict(row)
    logged_in, created_at = fields.pop("logged_in"), fields.pop("created_at")
    return ListedBrand(BrandProfile(**fields), logged_in, created_at)


async def upsert_brand_profile(session: Session, profile: BrandProfile) -> None:
    """Keep the form; the newest one counts."""
    await _queries.upsert_brand_profile.run(
        session, **{name: getattr(profile, name) for name in BrandProfile.__slots__}
    )


async def brand_profiles(
    session: Session, three_pl_id: UUID, before: UUID | None, limit: int
) -> list[ListedBrand]:
    """The brands of a 3PL, newest first."""
    rows = await _queries.brand_profiles.all(
        session, three_pl_id=three_pl_id, before=before, limit=limit
    )
    return [_listed_brand(row) for row in rows]


async def brand_profile(session: Session, three_pl_id: UUID, brand_id: UUID) -> ListedBrand | None:
    """One brand of a 3PL."""
    row = await _queries.brand_profile.one(session, three_pl_id=three_pl_id, brand_id=brand_id)
    return _listed_brand(row) if row else None


async def insert_login_link(
    session: Session, connection_id: UUID, token_digest: str, expires_at: datetime
) -> None:
    """A new link to the connection; those issued before die."""
    await _queries.replace_login_links.run(session, connection_id=connection_id)
    await _queries.insert_login_link.run(
        session, digest=token_digest, connection_id=connection_id, expires_at=expires_at
    )


async def login_link(session: Session, token_digest: str) -> LoginLink | None:
    """The link of a token."""
    row = await _queries.login_link.one(session, digest=token_digest)
    return LoginLink(**{**row, "state": ConnectionState(row["state"])}) if row else None


async def redeem_login_link(session: Session, token_digest: str) -> bool:
    """Whether this call redeemed it: once, and in time."""
    return await _queries.redeem_login_link.run(session, digest=token_digest) == 1


# --- stores ---------------------------------------------------------------------------------


async def insert_store(
    session: Session, brand_id: UUID, platform: str, domain: str
) -> Store | None:
    """The new store; None when the platform's domain is known."""
    row = await _queries.insert_store.one(
        session, id=uuid7(), brand_id=brand_id, platform=platform, domain=domain
    )
    return Store(**row) if row else None


async def store_by_domain(session: Session, platform: str, domain: str) -> Store | None:
    """The store at this domain."""
    row = await _queries.store_by_domain.one(session, platform=platform, domain=domain)
    return Store(**row) if row else None


async def store_by_id(session: Session, store_id: UUID) -> Store | None:
    """The store."""
    row = await _queries.store_by_id.one(session, id=store_id)
    return Store(**row) if row else None


async def lock_store(session: Session, store_id: UUID) -> Store | None:
    """The store, locked to the end of the transaction: its changes happen one by one."""
    row = await _queries.lock_store.one(session, id=store_id)
    return Store(**row) if row else None


async def touch_store(session: Session, store_id: UUID) -> Store:
    """The store with its next version."""
    row = await _queries.touch_store.one(session, id=store_id)
    if row is None:
        raise LookupError(f"there is no store {store_id}")
    return Store(**row)


async def store_access(session: Session, store_id: UUID, account_id: UUID) -> StoreAccess | None:
    """How the account stands to the store; None when there is no such store."""
    row = await _queries.store_access.one(session, store_id=store_id, account_id=account_id)
    return StoreAccess(**row) if row else None


async def insert_credential(
    session: Session, store_id: UUID, credential: StoreCredential, created_by: UUID
) -> None:
    """Keep a new credential."""
    await _queries.insert_credential.run(
        session, store_id=store_id, created_by=created_by, **credential.model_dump()
    )


async def credentials(session: Session, store_id: UUID) -> list[ListedCredential]:
    """Those valid now, oldest first."""
    rows = await _queries.credentials.all(session, store_id=store_id)
    return [
        ListedCredential(StoreCredential.model_validate(dict(row)), row["created_at"])
        for row in rows
    ]


async def revoke_credential(
    session: Session, store_id: UUID, credential_id: UUID, revoked_by: UUID
) -> bool:
    """Whether it was valid until now."""
    changed = await _queries.revoke_credential.run(
        session, store_id=store_id, id=credential_id, revoked_by=revoked_by
    )
    return changed == 1


# --- connections ----------------------------------------------------------------------------


def _linked(row: asyncpg.Record) -> LinkedConnection:
    return LinkedConnection(**{**row, "state": ConnectionState(row["state"])})


async def insert_connection(session: Session, store: Store, three_pl_id: UUID) -> UUID | None:
    """The id of a new pending connection; None when there is a live one."""
    found: UUID | None = await _queries.insert_connection.value(
        session,
        id=uuid7(),
        store_id=store.id,
        brand_id=store.brand_id,
        three_pl_id=three_pl_id,
    )
    return found


async def live_connection(session: Session, three_pl_id: UUID, store_id: UUID) -> UUID | None:
    """The one connection of the 3PL to the store that is not over."""
    found: UUID | None = await _queries.live_connection.value(
        session, three_pl_id=three_pl_id, store_id=store_id
    )
    return found


async def newest_pending(
    session: Session, three_pl_id: UUID, brand_id: UUID, store_id: UUID | None
) -> tuple[UUID, UUID] | None:
    """The ids of the newest pending connection of a 3PL with a brand, and of its store."""
    row = await _queries.newest_pending.one(
        session, three_pl_id=three_pl_id, brand_id=brand_id, store_id=store_id
    )
    return (row["id"], row["store_id"]) if row else None


async def connection_by_id(session: Session, connection_id: UUID) -> LinkedConnection | None:
    """The connection."""
    row = await _queries.connection_by_id.one(session, id=connection_id)
    return _linked(row) if row else None


async def connections_of(
    session: Session,
    account_id: UUID,
    *,
    state: ConnectionState | None,
    store_id: UUID | None,
    before: UUID | None,
    limit: int,
) -> list[LinkedConnection]:
    """The connections of a party, newest first."""
    rows = await _queries.connections_of.all(
        session,
        account_id=account_id,
        state=state,
        store_id=store_id,
        before=before,
        limit=limit,
    )
    return [_linked(row) for row in rows]


async def other_active_priorities(
    session: Session, store_id: UUID, connection_id: UUID
) -> list[int]:
    """The priorities of the store's other active connections."""
    rows = await _queries.other_active_priorities.all(session, store_id=store_id, id=connection_id)
    return [row["priority"] for row in rows]


async def update_connection(
    session: Session,
    current: LinkedConnection,
    *,
    state: ConnectionState,
    epoch: int,
    priority: int,
    settings_version: int,
) -> bool:
    """Compare-and-set on the version; whether it still was the one in `current`."""
    changed = await _queries.update_connection.run(
        session,
        id=current.id,
        version=current.version,
        state=state,
        epoch=epoch,
        priority=priority,
        settings_version=settings_version,
    )
    return changed == 1


async def insert_settings_version(
    session: Session,
    connection_id: UUID,
    version: int,
    *,
    owners: Mapping[str, Party],
    endpoint_id: UUID | None,
    created_by: UUID,
) -> None:
    """Keep a settings version; `owners` has the three `…_owner` fields."""
    await _queries.insert_settings_version.run(
        session,
        connection_id=connection_id,
        version=version,
        endpoint_id=endpoint_id,
        created_by=created_by,
        **owners,
    )


async def settings_versions(
    session: Session, connection_id: UUID, before: int | None, limit: int
) -> list[SettingsVersion]:
    """Newest first."""
    rows = await _queries.settings_versions.all(
        session, connection_id=connection_id, before=before, limit=limit
    )
    return [SettingsVersion(**row) for row in rows]


async def endpoints(session: Session, connection_id: UUID) -> list[ConnectionEndpoint]:
    """Every endpoint that the connection ever had, oldest first."""
    rows = await _queries.endpoints.all(session, connection_id=connection_id)
    return [ConnectionEndpoint.model_validate(dict(row)) for row in rows]


async def insert_endpoint(
    session: Session, connection_id: UUID, endpoint: ConnectionEndpoint
) -> None:
    """Keep a new endpoint."""
    await _queries.insert_endpoint.run(
        session,
        connection_id=connection_id,
        id=endpoint.id,
        url=endpoint.url,
        sealed_secrets=list(endpoint.sealed_secrets),
    )


async def insert_audit(
    session: Session,
    connection_id: UUID,
    *,
    account_id: UUID,
    actor_id: UUID | None,
    action: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    """Write into the audit log; `before` and `after` hold what changed."""
    await _queries.insert_audit.run(
        session,
        id=uuid7(),
        connection_id=connection_id,
        account_id=account_id,
        actor_id=actor_id,
        action=action,
        before=orjson.dumps(before).decode(),
        after=orjson.dumps(after).decode(),
    )


async def audit_of(
    session: Session, connection_id: UUID, before_id: UUID | None, limit: int
) -> list[AuditEntry]:
    """Newest first."""
    rows = await _queries.audit_of.all(
        session, connection_id=connection_id, before_id=before_id, limit=limit
    )
    return [
        AuditEntry(
            **{**row, "before": orjson.loads(row["before"]), "after": orjson.loads(row["after"])}
        )
        for row in rows
    ]
