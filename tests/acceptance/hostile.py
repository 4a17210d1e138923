"""Values that broke something once, somewhere, for every parameter and field of every operation."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

Json = dict[str, Any]

VALUES = (
    "", " ", "\x00", "a\x00b", "null", "true", "²", "٣", "1" * 5_000, "-1", "0", "2147483648",
    "9223372036854775808", "1e400", "NaN", "-0", "0x10", "{}", "[]", "[[", '"', "'; DROP TABLE x;",
    "%s%n{0}", "../../etc/passwd", "\u202e", "\ud7ff", "😀" * 300, "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z", "1970-01-01T00:00:00.000000000001Z",
    "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "WyJ4Il0",
    "a" * 20_000,
)  # fmt: skip
BODIES: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 10**400, 1.5, "", "\x00", "a\x00b", "²", "x" * 60_000, [], {}, [[]],
    [None], {"a": {"b": {"c": []}}}, "0001-01-01T00:00:00Z", "\ud800",
)  # fmt: skip
_KNOWN = "0198a000-0000-7000-8000-000000000001"
# What a URL or a header cannot carry at all is the client's own error, not a request.
_LONGEST_IN_HEADERS = 8_000


# A stream does not end by itself: what it is asked stands in the tests of its service.
ENDLESS = {"/v1/orders/stream"}


def requests(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Method, path and what else of each request, with one hostile value in it."""
    for path, operations in document["paths"].items():
        if path in ENDLESS:
            continue
        for method, operation in operations.items():
            for parameter in operation.get("parameters", ()):
                for value in VALUES:
                    made = _with(path, parameter, value)
                    if made is not None:
                        yield method.upper(), *made
            for body in _bodies(operation, document):
                yield method.upper(), _filled(path), {"json": body}


def _with(path: str, parameter: Json, value: str) -> tuple[str, Json] | None:
    name = parameter["name"]
    match parameter["in"]:
        case "path":
            return _filled(path.replace(f"{{{name}}}", quote(value, safe=""))), {}
        case "query":
            return f"{_filled(path)}?{quote(name)}={quote(value, safe='')}", {}
        case _:
            bare = value.replace("\x00", "").encode()[:_LONGEST_IN_HEADERS]
            return (_filled(path), {"headers": {name: bare}}) if bare.strip() else None


def _filled(path: str) -> str:
    """The path with an id wherever one is missing."""
    parts = [_KNOWN if part.startswith("{") else part for part in path.split("/")]
    return "/".join(parts)


def _bodies(operation: Json, document: Json) -> Iterator[Any]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return
    yield from BODIES
    for name in _properties(content.get("schema", {}), document):
        for value in BODIES:
            yield {name: value}


def _properties(schema: Json, document: Json) -> list[str]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    found = list(schema.get("properties", ()))
    for one in schema.get("anyOf", ()):
        found += _properties(one, document)
    return found
