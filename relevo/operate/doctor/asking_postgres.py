"""What Postgres is asked for `database.py`."""

import asyncio
import time
from collections.abc import Sequence

import asyncpg

from relevo.operate import secrets
from relevo.operate.doctor import database
from relevo.operate.doctor.database import Grants, Table
from relevo.operate.doctor.finding import Finding, ok, warning
from relevo.operate.doctor.place import Place
from relevo.operate.patience import in_words
from relevo.operate.revisions import revisions
from relevo.operate.roles import role_of

_NOT_OWNER = "RELEVO_POSTGRES_DSN of the owner of the database is needed to see it"
# Views of the catalogue, so that a role may ask about others; each only about roles that there are.
_TABLES = """
SELECT space.nspname AS schema, class.relname AS name,
       array(SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p
             WHERE has_table_privilege(role.oid, class.oid, p)) AS may,
       array(SELECT a.attname::text FROM pg_attribute AS a
             WHERE a.attrelid = class.oid AND a.attnum > 0 AND NOT a.attisdropped
               AND has_column_privilege(role.oid, class.oid, a.attnum, 'UPDATE')) AS updates
FROM pg_class AS class
JOIN pg_namespace AS space ON space.oid = class.relnamespace
JOIN pg_roles AS role ON role.rolname = 'relevo_' || space.nspname
WHERE space.nspname = ANY($1::text[]) AND class.relkind IN ('r', 'p', 'v', 'm')
ORDER BY 1, 2
"""
_ENTERS = """
SELECT space.nspname AS schema,
       array(SELECT service FROM unnest($1::text[]) AS service
             JOIN pg_roles AS role ON role.rolname = 'relevo_' || service
             WHERE has_schema_privilege(role.oid, space.oid, 'USAGE')) AS services
FROM pg_namespace AS space WHERE space.nspname = ANY($1::text[]) ORDER BY 1
"""
_LACKS = """
SELECT schema, privilege, name FROM (
    SELECT space.nspname AS schema, 'USAGE' AS privilege, class.relname::text AS name,
           has_sequence_privilege(role.oid, class.oid, 'USAGE') AS may
    FROM pg_class AS class
    JOIN pg_namespace AS space ON space.oid = class.relnamespace
    JOIN pg_roles AS role ON role.rolname = 'relevo_' || space.nspname
    WHERE class.relkind = 'S'
    UNION ALL
    SELECT space.nspname, 'EXECUTE', function.proname || '()',
           has_function_privilege(role.oid, function.oid, 'EXECUTE')
    FROM pg_proc AS function
    JOIN pg_namespace AS space ON space.oid = function.pronamespace
    JOIN pg_roles AS role ON role.rolname = 'relevo_' || space.nspname
) AS found WHERE schema = ANY($1::text[]) AND NOT may ORDER BY 1, 2, 3
"""


async def reach(place: Place) -> asyncpg.Connection:
    """A session of who looks.

    Raises:
        OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError: there is none.
    """
    return await asyncpg.connect(place.dsn)


async def clock(session: asyncpg.Connection) -> Finding:
    """Half of the way there and back is taken off."""
    before = time.time()
    theirs = await session.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
    return database.clock(theirs - (before + time.time()) / 2)


async def schemas(session: asyncpg.Connection, names: Sequence[str]) -> Finding:
    """Each schema's revision."""
    all_of = {name: revisions(name) for name in names}
    newest = {name: known[-1] for name, known in all_of.items()}
    known = frozenset(f"{name} {one}" for name in names for one in all_of[name])
    at = {}
    try:
        for name in names:
            if await session.fetchval("SELECT to_regclass($1)::text", f"{name}.alembic_version"):
                # A name of the catalogue's, no input.
                at[name] = await session.fetchval(f"SELECT version_num FROM {name}.alembic_version")  # noqa: S608
    except asyncpg.InsufficientPrivilegeError:
        return warning("schemas", "their revisions cannot be seen by this role", _NOT_OWNER)
    return database.schemas({name: now for name, now in at.items() if now}, newest, known)


async def grants(session: asyncpg.Connection, names: Sequence[str]) -> Finding:
    """What each role may, as the catalogue has it."""
    tables = await session.fetch(_TABLES, list(names))
    enters = await session.fetch(_ENTERS, list(names))
    lacks = await session.fetch(_LACKS, list(names))
    return database.grants(
        Grants(
            tuple(
                Table(row["schema"], row["name"], frozenset(row["may"]), frozenset(row["updates"]))
                for row in tables
            ),
            {row["schema"]: frozenset(row["services"]) for row in enters},
            tuple(tuple(row) for row in lacks),
        )
    )


async def log_ins(place: Place, names: Sequence[str]) -> Finding:
    """Each role, with its password where that is here; all at once."""
    passwords = secrets.passwords(place.values)
    if not passwords:
        return ok("roles", "no password of theirs is here to try")
    said = await asyncio.gather(*(_log_in(place, name, passwords.get(name)) for name in names))
    return database.log_ins(dict(zip(names, said, strict=True)))


async def _log_in(place: Place, service: str, password: str | None) -> str | None:
    if password is None:
        return None
    try:
        session = await asyncpg.connect(place.dsn, user=role_of(service), password=password)
    except asyncpg.InvalidAuthorizationSpecificationError:
        return "refused"
    except (OSError, asyncpg.PostgresError) as error:
        return in_words(error)
    await session.close()
    return ""
