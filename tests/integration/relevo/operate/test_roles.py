"""The roles that services log in as: their own schema, and nothing else."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from relevo.local.engines import Postgres
from relevo.operate.migrations import migrate
from relevo.operate.roles import APPEND_ONLY, dsn_of, role_of
from services.catalog import NAMES
from tests.kit.engines import ROLE_PASSWORDS, Addresses, administer

pytestmark = pytest.mark.engines
REFUSED = asyncpg.InsufficientPrivilegeError
NOWHERE = "SELECT FROM {table} WHERE false"
CHANGE = "UPDATE {table} SET {column} = NULL WHERE false"
DELETE = "DELETE FROM {table} WHERE false"


@pytest.fixture
async def dsn(engines: Addresses) -> AsyncIterator[str]:
    """Migrated here: what is granted on a database itself is not in a copy of the template."""
    name = f"test_{secrets.token_hex(6)}"
    await administer(engines, f"CREATE DATABASE {name}")
    await migrate(engines.dsn(name), passwords=ROLE_PASSWORDS)
    yield engines.dsn(name)
    await administer(engines, f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def logged_in(
    dsn: str, service: str = "", password: str = ""
) -> AsyncIterator[asyncpg.Connection]:
    """As a service, or as the owner."""
    own = dsn_of(service, dsn, password or ROLE_PASSWORDS[service]) if service else dsn
    session = await asyncpg.connect(own)
    try:
        yield session
    finally:
        await session.close()


async def tables_of(dsn: str, schema: str) -> list[str]:
    async with logged_in(dsn) as owner:
        rows = await owner.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace($1)"
            " AND relkind IN ('r', 'v', 'm', 'p') AND relname <> 'alembic_version'",
            schema,
        )
    return [f"{schema}.{row['relname']}" for row in rows]


@pytest.mark.parametrize("service", NAMES)
async def test_a_service_reads_and_writes_what_is_its_own(dsn: str, service: str) -> None:
    own = await tables_of(dsn, service)
    async with logged_in(dsn, service) as session:
        assert own
        for table in own:
            await session.execute(NOWHERE.format(table=table))
        may = await session.fetch(
            "SELECT t FROM unnest($1::text[]) t WHERE NOT has_table_privilege(t, 'INSERT')", own
        )
        assert may == []


@pytest.mark.parametrize("service", NAMES)
async def test_a_service_sees_no_other_schema(dsn: str, service: str) -> None:
    foreign = [table for name in NAMES if name != service for table in await tables_of(dsn, name)]
    async with logged_in(dsn) as owner:
        await owner.execute("CREATE TABLE public.somebodys (id int)")
        await owner.execute("GRANT SELECT ON public.somebodys TO PUBLIC")
    async with logged_in(dsn, service) as session:
        for table in (*foreign, "public.somebodys", f"{service}.alembic_version"):
            with pytest.raises(REFUSED):
                await session.execute(NOWHERE.format(table=table))


@pytest.mark.parametrize("service", NAMES)
async def test_a_service_makes_nothing_and_becomes_nobody(dsn: str, service: str) -> None:
    (table, *_) = await tables_of(dsn, service)
    other = next(name for name in NAMES if name != service)
    async with logged_in(dsn) as owner:
        superuser = await owner.fetchval("SELECT current_user")
    async with logged_in(dsn, service) as session:
        for statement in (
            f"CREATE TABLE {service}.mine (id int)",
            "CREATE TABLE public.mine (id int)",
            "CREATE TEMPORARY TABLE mine (id int)",
            "CREATE SCHEMA mine",
            f"ALTER TABLE {table} ADD COLUMN mine int",
            f"TRUNCATE {table}",
            f"DROP TABLE {table}",
            f"DROP SCHEMA {service} CASCADE",
            f"SET ROLE {role_of(other)}",
            f'SET ROLE "{superuser}"',
            "SELECT rolpassword FROM pg_authid",
            "CREATE ROLE mine",
            f"ALTER ROLE {role_of(other)} PASSWORD 'mine'",
            f"ALTER ROLE {role_of(service)} SUPERUSER",
            "COPY (SELECT 1) TO PROGRAM 'cat'",
            "SELECT pg_read_file('/etc/passwd')",
        ):
            with pytest.raises((REFUSED, asyncpg.InvalidObjectDefinitionError)):
                await session.execute(statement)


@pytest.mark.parametrize("service", APPEND_ONLY)
async def test_what_is_only_added_to_is_neither_changed_nor_deleted(dsn: str, service: str) -> None:
    async with logged_in(dsn) as owner, logged_in(dsn, service) as session:
        for name, again in APPEND_ONLY[service].items():
            table = f"{service}.{name}"
            columns = await owner.fetch(
                "SELECT attname AS name FROM pg_attribute WHERE attrelid = $1::text::regclass"
                " AND attnum > 0 AND NOT attisdropped AND attidentity = ''",
                table,
            )
            for column in {row["name"] for row in columns} - set(again):
                with pytest.raises(REFUSED):
                    await session.execute(CHANGE.format(table=table, column=column))
            for column in again:
                await session.execute(CHANGE.format(table=table, column=column))
            with pytest.raises(REFUSED):
                await session.execute(DELETE.format(table=table))


async def test_a_table_of_a_later_migration_needs_no_grant_of_its_own(dsn: str) -> None:
    async with logged_in(dsn) as owner:
        await owner.execute("CREATE TABLE routing.later (id int)")
    await migrate(dsn)
    async with logged_in(dsn, "routing") as session:
        await session.execute("INSERT INTO routing.later VALUES (1)")
        await session.execute("UPDATE routing.later SET id = 2")
        assert await session.execute("DELETE FROM routing.later") == "DELETE 1"


async def test_a_second_run_changes_a_password_and_takes_back_what_was_given_by_hand(
    private_postgres: Postgres,
) -> None:
    dsn = private_postgres.dsn()
    with pytest.raises(asyncpg.InvalidPasswordError):
        async with logged_in(dsn, "routing", "first"):
            pass
    await migrate(dsn, passwords=dict.fromkeys(NAMES, "first"))
    async with logged_in(dsn, "routing", "first") as session, logged_in(dsn) as owner:
        await owner.execute("GRANT UPDATE ON routing.order_history TO relevo_routing")
        assert await migrate(dsn, passwords={"routing": "it's another"}) == []
        with pytest.raises(REFUSED):
            await session.execute("UPDATE routing.order_history SET kind = 'x'")
    async with logged_in(dsn, "routing", "it's another"), logged_in(dsn, "ingest", "first"):
        pass
    with pytest.raises(asyncpg.InvalidPasswordError):
        async with logged_in(dsn, "routing", "first"):
            pass


async def test_the_owner_need_not_be_superuser(private_postgres: Postgres) -> None:
    async with logged_in(private_postgres.dsn("postgres")) as admin:
        for name in NAMES:
            await admin.execute(f"DROP OWNED BY {role_of(name)}")
        await admin.execute("DROP DATABASE relevo")
        for name in NAMES:
            await admin.execute(f"DROP ROLE {role_of(name)}")
        await admin.execute("CREATE ROLE owner LOGIN CREATEROLE PASSWORD 'mine'")
        await admin.execute("CREATE DATABASE relevo OWNER owner")
    owned = f"postgresql://owner:mine@{private_postgres.address}/relevo"
    assert await migrate(owned, passwords=dict.fromkeys(NAMES, "first"))
    assert await migrate(owned, passwords=dict.fromkeys(NAMES, "second")) == []
    async with logged_in(owned, "webhooks", "second") as session:
        await session.execute("SELECT FROM webhooks.deliveries")


async def test_who_may_not_make_roles_is_told_so_and_nothing_changes(
    private_postgres: Postgres,
) -> None:
    async with logged_in(private_postgres.dsn("postgres")) as admin:
        for name in NAMES:
            await admin.execute(f"ALTER ROLE {role_of(name)} RENAME TO was_{name}")
        await admin.execute("CREATE ROLE weak LOGIN PASSWORD 'mine'")
        await admin.execute("CREATE DATABASE weak OWNER weak")
    weak = f"postgresql://weak:mine@{private_postgres.address}/weak"
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="create role"):
        await migrate(weak)
    async with logged_in(weak) as session:
        assert await session.fetchval("SELECT to_regnamespace('routing')") is None
