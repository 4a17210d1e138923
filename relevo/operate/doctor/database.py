"""What is judged about Postgres: clock, schemas, roles and their grants."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from relevo.operate.doctor.finding import Finding, listed, ok, warning, wrong
from relevo.operate.roles import APPEND_ONLY, role_of

_WARN_SECONDS, _WRONG_SECONDS = 2.0, 30.0
_ALL = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
_ADD_ONLY = frozenset({"SELECT", "INSERT"})
_MIGRATE = "`relevo migrate`, as the owner of the database"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a service, what its role may do with it, and which columns it may update."""

    schema: str
    name: str
    may: frozenset[str]
    updates: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Grants:
    """What the roles may.

    `enters`: schema → the services whose roles may use it. `lacks`: schema, privilege and name of
    each sequence and function that its role may not use.
    """

    tables: tuple[Table, ...]
    enters: Mapping[str, frozenset[str]]
    lacks: tuple[tuple[str, str, str], ...] = ()


def clock(ahead_seconds: float) -> Finding:
    """How far Postgres' clock is ahead of ours; leases and tokens trust both."""
    name, found = "clock of Postgres", f"{ahead_seconds:+.1f} s against ours"
    remedy = "let a time server keep both clocks: tokens and leases compare them"
    if abs(ahead_seconds) > _WRONG_SECONDS:
        return wrong(name, found, remedy)
    if abs(ahead_seconds) > _WARN_SECONDS:
        return warning(name, found, remedy)
    return ok(name, found)


def schemas(at: Mapping[str, str], newest: Mapping[str, str], known: frozenset[str]) -> Finding:
    """Revisions against the newest of this program.

    Args:
        at: schema → its revision; a schema that is not there is left out.
        newest: schema → the newest revision.
        known: `schema revision` of every revision of this program.
    """
    off = {name: at.get(name, "") for name in newest if at.get(name) != newest[name]}
    if not off:
        return ok("schemas", f"all {len(newest)} at the newest revision")
    newer = {name for name, now in off.items() if now and f"{name} {now}" not in known}
    ahead = [f"{name} at {off[name]}" for name in sorted(newer)]
    if len(ahead) == len(off):
        return warning(
            "schemas", f"newer than this program: {listed(ahead)}", "run the newer release"
        )
    behind = [
        f"{name} {f'at {now} of {newest[name]}' if now else 'is not there'}"
        for name, now in off.items()
        if name not in newer
    ]
    return wrong("schemas", f"behind: {listed(behind)}", _MIGRATE)


def log_ins(said: Mapping[str, str | None]) -> Finding:
    """Service → why its role could not log in, empty when it did, None for no password here."""
    failed = [f"{role_of(name)}: {why}" for name, why in said.items() if why]
    if failed:
        return wrong("roles", listed(failed), f"{_MIGRATE}, with POSTGRES_<SERVICE>_PASSWORD set")
    tried = sum(why is not None for why in said.values())
    if tried < len(said):
        return ok("roles", f"{tried} of {len(said)} log in; no password of the others is here")
    return ok("roles", f"all {tried} log in")


def grants(seen: Grants) -> Finding:
    """Against what `relevo migrate` gives (`relevo/operate/roles.py`)."""
    flaws = [
        *_of_schemas(seen.enters),
        *(f for table in seen.tables for f in _of_table(table)),
        *(f"{role_of(schema)} lacks {may} on {schema}.{name}" for schema, may, name in seen.lacks),
    ]
    if flaws:
        return wrong("grants", listed(flaws), _MIGRATE)
    return ok("grants", f"as they have to be, on {len(seen.tables)} tables")


def _of_schemas(enters: Mapping[str, frozenset[str]]) -> Iterable[str]:
    for schema, services in enters.items():
        if schema not in services:
            yield f"{role_of(schema)} may not use schema {schema}"
        for other in sorted(services - {schema}):
            yield f"{role_of(other)} may use schema {schema}"


def _of_table(table: Table) -> Iterable[str]:
    role, name = role_of(table.schema), f"{table.schema}.{table.name}"
    wanted, columns = _wanted(table)
    for privilege in sorted(wanted - table.may):
        yield f"{role} lacks {privilege} on {name}"
    for privilege in sorted(table.may - wanted):
        yield f"{role} has {privilege} on {name}"
    if "UPDATE" not in wanted | table.may and table.updates != columns:
        columns_now = ", ".join(sorted(table.updates)) or "no column"
        yield f"{role} may update {columns_now} of {name}"


def _wanted(table: Table) -> tuple[frozenset[str], frozenset[str]]:
    if table.name == "alembic_version":
        return frozenset(), frozenset()
    columns = APPEND_ONLY.get(table.schema, {}).get(table.name)
    return (_ALL, frozenset()) if columns is None else (_ADD_ONLY, frozenset(columns))
