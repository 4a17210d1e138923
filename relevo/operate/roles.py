"""The database roles of the services: each works in its own schema and owns nothing.

Migrations run as the owner of the database, who makes the roles; to make them it needs CREATEROLE
(or they are there already). Grants are given anew with every run, to whatever tables there are
then: a new table needs no line here, unless it is one that may only be added to.
"""

from collections.abc import Iterable, Mapping

import asyncpg
from sqlalchemy import make_url

# The only list of what a service may add to and never change; with the columns it sets again all
# the same (the line that counts an order's stale messages; what goes when an account is erased).
APPEND_ONLY: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "connections": {
        "audit": (),
        "order_rules": ("rules",),
        "settings_versions": (),
        "store_audit": (),
    },
    "fulfilment": {
        "ledger_entries": (),
        "ledger_reasons": ("reason",),
        "price_list_versions": (),
        "ticket_messages": ("text", "written_by", "mail_digest"),
    },
    "routing": {"order_history": ("times", "at", "why"), "settings": ()},
    "webhooks": {"attempts": ("response_head", "url")},
}
_MAKE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        CREATE ROLE {role} LOGIN;
    END IF;
-- Roles are the server's: the migration of another database may make it at this moment.
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
"""
_GRANT = """
REVOKE ALL ON SCHEMA {schema} FROM PUBLIC;
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role};
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {role};
REVOKE ALL ON {schema}.alembic_version FROM {role};
"""
# What everybody has by default: the schema `public`, and tables of their session.
_CLOSE = """
DO $$ BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    IF to_regnamespace('public') IS NOT NULL THEN
        REVOKE ALL ON SCHEMA public FROM PUBLIC;
    END IF;
END $$;
"""
# The password is in no statement, so in no log and not in pg_stat_statements.
_KEEP = "SELECT set_config('relevo.password', $1, true)"
_SET = """
DO $$ BEGIN
    EXECUTE format('ALTER ROLE {role} LOGIN PASSWORD %L', current_setting('relevo.password'));
END $$;
"""


def role_of(service: str) -> str:
    """The role that a service logs in as."""
    return f"relevo_{service}"


def dsn_of(service: str, dsn: str, password: str) -> str:
    """What a service logs in with, where the owner does with `dsn`."""
    address = make_url(dsn).set(username=role_of(service), password=password)
    return address.render_as_string(hide_password=False)


async def grant(session: asyncpg.Connection, services: Iterable[str]) -> None:
    """Make the roles that are missing, and give each what it may do and nothing else.

    Raises:
        asyncpg.InsufficientPrivilegeError: the session's role may not.
    """
    await session.execute(_CLOSE)
    for service in services:
        role = role_of(service)
        await session.execute(_MAKE.format(role=role))
        await session.execute(_GRANT.format(schema=service, role=role))
        for table, columns in APPEND_ONLY.get(service, {}).items():
            await session.execute(f"REVOKE UPDATE, DELETE ON {service}.{table} FROM {role}")
            if columns:
                again = ", ".join(columns)
                await session.execute(f"GRANT UPDATE ({again}) ON {service}.{table} TO {role}")


async def set_passwords(dsn: str, passwords: Mapping[str, str]) -> None:
    """Let each service log in with its password; one that fits already is left alone.

    Args:
        dsn: of the owner.
        passwords: by service.
    """
    for service, password in passwords.items():
        if not await _fits(dsn, role_of(service), password):
            session = await asyncpg.connect(dsn, timeout=5)
            try:
                async with session.transaction():
                    await session.execute(_KEEP, password)
                    await session.execute(_SET.format(role=role_of(service)))
            finally:
                await session.close()


async def _fits(dsn: str, role: str, password: str) -> bool:
    try:
        session = await asyncpg.connect(dsn, user=role, password=password, timeout=5)
    except asyncpg.InvalidAuthorizationSpecificationError:
        return False
    except asyncpg.InsufficientPrivilegeError:  # it was let in, and then not to this database
        return True
    await session.close()
    return True
