"""OpenAPI that tells the truth: every error an operation can answer, as RFC 9457 has it.

What follows from an operation's shape (a body, a parameter, who may call) is found out here; what
follows from the rules it declares itself: `openapi_extra=refuses("not_owner", "version_conflict")`.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from shared.web.access import READING, Access, MaybeAccountAccess, accesses_of
from shared.web.problems import CATALOGUE

Json = dict[str, Any]
# A fact of the case in a sentence of the catalogue, and how the document puts it.
_FACT, _QUOTED = re.compile(r"\{(\w+)\}"), r"`\1`"
_REFUSALS = "x-refusals"
_IDEMPOTENT = "x-idempotent"
_IDEMPOTENCY_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Sent again with the same key and body, the request gets the first answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
_ASSETS = "/docs/assets"
_ALWAYS = ("temporarily_unavailable", "internal_error")
_OF_BODY = (
    "malformed_json", "malformed_encoding", "body_too_slow", "body_too_large", "body_too_complex",
    "validation_failed",
)  # fmt: skip
_PROBLEM: Json = {
    "title": "Problem",
    "description": "What is wrong and what to do about it (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "instance"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Stable; see docs/problems.md."},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "The wrong fields, by JSON Pointer (RFC 6901).",
            "items": {
                "type": "object",
                "required": ["pointer", "message"],
                "properties": {"pointer": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


def refuses(*codes: str, idempotent: bool = False, **extra: Any) -> Json:
    """`openapi_extra` of an operation whose rules can say no.

    Args:
        codes: with these codes.
        idempotent: whether it takes an `Idempotency-Key`.
        extra: what else FastAPI is to merge into the operation.

    Raises:
        KeyError: a code is not in the catalogue.
    """
    refusals = [code for code in codes if CATALOGUE[code]]
    return {**extra, _REFUSALS: refusals, _IDEMPOTENT: idempotent}


def install(app: FastAPI) -> None:
    """Serve `/openapi.json` as it is, and `/docs` from files of our own: no internet needed."""

    def openapi() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    async def docs(_: Request) -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=app.title,
            swagger_js_url=f"{_ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{_ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{_ASSETS}/favicon.png",
        )

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI documents it
    folder = Path(fastapi_offline.__file__).parent / "static"
    app.mount(_ASSETS, StaticFiles(directory=folder))
    app.router.routes.append(Route("/docs", docs, include_in_schema=False))


def _document(app: FastAPI) -> Json:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = _PROBLEM
    for path, method, accesses in _routes(app):
        operation = document["paths"][path][method]
        _describe(operation, path, _refusals(accesses, method))
        if any(isinstance(access, MaybeAccountAccess) for access in accesses):
            operation["security"].insert(0, {})
    for operations in document["paths"].values():
        for operation in operations.values():
            _lift_definitions(operation, schemas)
    return document


def _routes(app: FastAPI) -> Iterator[tuple[str, str, list[Access]]]:
    """Path, method and the access of each operation."""
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in context.methods or ():
                yield context.path or "", method.lower(), accesses_of(context.dependant)


def _refusals(accesses: Iterable[Access], method: str) -> list[str]:
    """What an access can say no with to such a method."""
    reads = method.upper() in READING
    return [
        code
        for access in accesses
        for code in (*access.refusals, *(() if reads else access.write_refusals))
    ]


def _describe(operation: Json, path: str, of_access: Iterable[str]) -> None:
    declared = operation.pop(_REFUSALS, ())
    if operation.pop(_IDEMPOTENT, False):
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    parameters = operation.get("parameters", [])
    for parameter in parameters:
        parameter["schema"] = _without_null(parameter["schema"])
    names = {parameter["name"] for parameter in parameters}
    codes = [*of_access, *declared, *_of_shape(operation, path, names), *_ALWAYS]
    responses = operation["responses"]
    # FastAPI's own, which nothing here answers.
    responses.pop("422", None)
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(_status_of(code, names), []).append(code)
    for status, of_status in sorted(by_status.items()):
        told, own = _response(status, of_status), responses.get(str(status))
        if own is not None and "content" in own:
            # The operation has refusals of a shape of its own, such as OAuth's.
            told["content"] = {**own["content"], **told["content"]}
            told["description"] = f"{own['description']}\n{told['description']}"
        responses[str(status)] = told


def _of_shape(operation: Json, path: str, parameters: set[str]) -> Iterator[str]:
    """What any operation of that shape can refuse."""
    if "requestBody" in operation:
        yield from _OF_BODY
        if "application/json" in operation["requestBody"]["content"]:
            yield "unsupported_media_type"
    if parameters:
        yield "validation_failed"
    if "after" in parameters:
        yield "invalid_cursor"
    if "Idempotency-Key" in parameters:
        yield from ("invalid_idempotency_key", "idempotency_mismatch")
    if "{" in path:
        yield "not_found"


def _without_null(schema: Json) -> Json:
    """A parameter is left out, and never null."""
    alternatives = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(alternatives) != 1:
        return schema
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**alternatives[0], **rest}


def _status_of(code: str, parameters: set[str]) -> int:
    """As `shared.web.problems.status_of` has it."""
    if code == "version_conflict" and "If-Match" in parameters:
        return 412
    return CATALOGUE[code].status


def _response(status: int, codes: Iterable[str]) -> Json:
    told = [f"- `{code}`: {_FACT.sub(_QUOTED, CATALOGUE[code].sentence)}" for code in codes]
    response: Json = {
        "description": "\n".join(told),
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
    if status in (429, 503):
        response["headers"] = {
            "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}
        }
    return response


def _lift_definitions(part: Any, schemas: Json) -> None:
    """Move the `$defs` of schemas that were given by hand to where the references look."""
    if isinstance(part, dict):
        schemas.update(part.pop("$defs", {}))
        for value in part.values():
            _lift_definitions(value, schemas)
    elif isinstance(part, list):
        for value in part:
            _lift_definitions(value, schemas)
