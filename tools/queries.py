"""What ruff cannot see in SQL: queries that nobody calls, and tenants who see each other.

Every query on a tenant's table either filters by the tenant (`… = :account`, `:brand_id`, …) or
says in a comment why it does not: `-- tenants: <reason>`. Who may see a row is asked in SQL, not
remembered in Python.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SERVICES = Path(__file__).parent.parent / "services"

_NAME = re.compile(r"^-- name: (?P<name>\w+)(?P<suffix>[\^$!]?)\s*$", re.MULTILINE)
_SUFFIX_OF = {"all": "", "one": "^", "value": "$", "run": "!"}
# A table with one of these columns is a tenant's, and so are those that hang on its rows.
_TENANT = r"(?:account(?:_id)?|brand_id|three_pl_id)"
_FILTER = re.compile(
    rf"\b{_TENANT}\b\s*=\s*:\w+|:{_TENANT}\b\s*(?:=|IN\b)|:\w+\s+IN\s*\([^)]*{_TENANT}",
    re.IGNORECASE,
)
_REASON = re.compile(r"^-- tenants: \S", re.MULTILINE)
_TABLES = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO)\s+([a-z_]+)", re.IGNORECASE)
# Of the machinery; no tenant's data that anyone could ask for.
_SHARED_TABLES = frozenset({"outbox", "idempotency_keys"})
_CREATED = re.compile(r"CREATE (?:TABLE|VIEW) (?:\w+\.|\{schema\}\.)?(\w+)")


@dataclass(frozen=True, slots=True)
class Query:
    """One named query; `text` with its comments."""

    file: Path
    name: str
    suffix: str
    text: str

    def __str__(self) -> str:
        return f"{Path(*self.file.parts[-4:])}: {self.name}"


def queries_of(file: Path) -> list[Query]:
    """The named queries of a file."""
    text = file.read_text()
    heads = list(_NAME.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return [
        Query(file, head["name"], head["suffix"], text[head.end() : end])
        for head, end in zip(heads, ends, strict=True)
    ]


def flaws(services: Path = SERVICES) -> Iterator[str]:
    """What is wrong with the queries of all services; nothing when all is well."""
    for file in sorted(services.glob("*/**/*.sql")):
        queries = queries_of(file)
        store = _store_of(file)
        called = _calls(store)
        for query in queries:
            method = called.pop(query.name, None)
            if method is None:
                yield f"{query} is called by nobody in {store.name}"
            elif _SUFFIX_OF[method] != query.suffix:
                yield f"{query} ends with {query.suffix!r} but is called with `.{method}()`"
            if not _keeps_tenants_apart(query, _tables_of(services, file)):
                yield f"{query} reads a tenant's table without its filter; see tools/queries.py"
        for name in called:
            yield f"{store}: there is no query {name!r}"


def _store_of(file: Path) -> Path:
    """The store beside a query file, or beside its folder `sql`."""
    beside = file.parent / "store.py"
    return beside if beside.exists() else file.parent.parent / "store.py"


def _calls(store: Path) -> dict[str, str]:
    """Query name → method, for each `_queries.<name>.<method>`; also of queries that are chosen."""
    called: dict[str, str] = {}
    chosen: list[str] = []
    for node in ast.walk(ast.parse(store.read_text())):
        match node:
            case ast.Attribute(
                attr=method, value=ast.Attribute(attr=name, value=ast.Name("_queries"))
            ):
                called[name] = method
            case ast.Attribute(attr=name, value=ast.Name("_queries")):
                chosen.append(name)
    return {**dict.fromkeys(chosen, "all"), **called}


def _tables_of(services: Path, file: Path) -> frozenset[str]:
    """The tables of the service that a file belongs to."""
    service = services / file.relative_to(services).parts[0]
    revisions = service.glob("**/versions/*.py")
    found = {name for revision in revisions for name in _CREATED.findall(revision.read_text())}
    return frozenset(found) - _SHARED_TABLES


def _keeps_tenants_apart(query: Query, tables: frozenset[str]) -> bool:
    statement = re.sub(r"--[^\n]*", "", query.text)
    touched = set(_TABLES.findall(statement)) & tables
    only_inserts = re.match(r"\s*INSERT INTO", statement) is not None
    return (
        not touched
        or only_inserts
        or _FILTER.search(statement) is not None
        or _REASON.search(query.text) is not None
    )
