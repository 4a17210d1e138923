"""What a caller is told when something is wrong."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI, Header, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from structlog.testing import capture_logs

from shared.failures import Permanent, Refused, Transient
from shared.web.problems import CATALOGUE, install

ERRORS: dict[str, Exception] = {
    "problem": Refused(
        "version_conflict",
        errors=[{"pointer": "/version", "message": "is 7 now"}],
        what="order",
        version=7,
    ),
    "missing": Refused("not_found", what="order"),
    "too many": Refused("rate_limited", rate="5", burst=10, window=2, retry_after=3),
    "stranger": Refused("missing_token", seen="nothing came"),
    "permanent": Permanent("address: not in this country"),
    "transient": Transient("a lock was lost"),
    "overloaded": Refused("overloaded", retry_after=1),
    "restarting": asyncpg.CannotConnectNowError("the database system is starting up"),
    "refused": ConnectionRefusedError("connection refused"),
    "slow": TimeoutError(),
    "bug": RuntimeError("secret inside"),
    "teapot": HTTPException(418, "no coffee", headers={"Allow": "TEA"}),
}


class Line(BaseModel):
    model_config = ConfigDict(extra="forbid")

    price: Annotated[str, Field(pattern=r"^\d+$")]


class Form(BaseModel):
    lines: list[Line] = []
    notes: dict[str, int] = {}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    install(app)

    @app.post("/forms")
    async def forms(
        form: Form,
        limit: Annotated[int, Query(le=200)] = 50,
        if_match: Annotated[int | None, Header()] = None,
    ) -> str:
        return f"{len(form.lines)} {limit} {if_match}"

    @app.get("/errors/{name}")
    async def errors(name: str) -> None:
        raise ERRORS[name]

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield client


async def ask(client: httpx.AsyncClient, name: str) -> tuple[httpx.Response, dict[str, Any]]:
    """The answer, once it proved to be a problem document (RFC 9457)."""
    with capture_logs():
        answer = await client.get(f"/errors/{name}")
    body: dict[str, Any] = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["status"] == answer.status_code
    assert body["instance"] == f"/errors/{name}"
    assert body["type"] == f"https://relevo.dev/problems/{body['code']}"
    assert body["title"] == body["code"].replace("_", " ").capitalize()
    return answer, body


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/forms", {"lines": [{"price": "1"}, {"price": "secret"}]}, "/lines/1/price"),
        ("/forms", {"lines": [{}]}, "/lines/0/price"),
        ("/forms", {"lines": [{"price": "1", "a/b~c": 1}]}, "/lines/0/a~1b~0c"),
        ("/forms", {"notes": {"": "secret"}}, "/notes/"),
        ("/forms", {"lines": "secret"}, "/lines"),
        ("/forms?limit=201", {}, "/limit"),
    ],
)
async def test_a_wrong_field_is_named_by_its_json_pointer_and_not_repeated(
    client: httpx.AsyncClient, path: str, body: dict[str, object], pointer: str
) -> None:
    answer = await client.post(path, json=body)
    said = answer.json()
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert said["code"] == "validation_failed"
    assert [error["pointer"] for error in said["errors"]] == [pointer]
    assert said["errors"][0]["message"]
    assert "secret" not in answer.text


async def test_every_wrong_field_is_named_at_once(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/forms?limit=x",
        json={"lines": [{"price": "x"}, {}]},
        headers={"If-Match": "x"},
    )
    named = {error["pointer"] for error in answer.json()["errors"]}
    assert named == {"/limit", "/if-match", "/lines/0/price", "/lines/1/price"}


async def test_what_is_not_json_is_400(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/forms", content=b'{"lines": ', headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_that_is_missing_is_named(client: httpx.AsyncClient) -> None:
    answer = await client.post("/forms")
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_a_problem_keeps_its_code_members_and_headers(client: httpx.AsyncClient) -> None:
    answer, body = await ask(client, "problem")
    assert answer.status_code == 409
    assert (body["code"], body["version"]) == ("version_conflict", 7)
    assert body["detail"] == (
        "The order has changed since you read it; it is at version 7. Read it and decide again."
    )
    assert body["errors"] == [{"pointer": "/version", "message": "is 7 now"}]
    assert answer.headers["etag"] == '"7"'


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("missing", 404, "not_found"),
        ("permanent", 422, "rejected"),
        ("transient", 503, "temporarily_unavailable"),
        ("restarting", 503, "temporarily_unavailable"),
        ("refused", 503, "temporarily_unavailable"),
        ("slow", 503, "temporarily_unavailable"),
        ("bug", 500, "internal_error"),
        ("teapot", 418, "http_error"),
    ],
)
async def test_every_failure_has_its_status_and_code(
    client: httpx.AsyncClient, name: str, status: int, code: str
) -> None:
    answer, body = await ask(client, name)
    assert (answer.status_code, body["code"]) == (status, code)
    assert answer.headers.get("retry-after") == ("2" if status == 503 else None)
    assert "errors" not in body


async def test_an_old_version_in_if_match_is_412_and_in_a_body_409(
    client: httpx.AsyncClient,
) -> None:
    with capture_logs():
        in_header = await client.get("/errors/problem", headers={"If-Match": '"6"'})
        in_body = await client.get("/errors/problem")
    assert (in_header.status_code, in_header.json()["status"]) == (412, 412)
    assert in_body.status_code == 409


async def test_who_is_over_the_rate_is_told_for_how_long(client: httpx.AsyncClient) -> None:
    answer, _ = await ask(client, "too many")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "3"
    assert answer.headers["ratelimit-policy"] == '"store";q=10;w=2'
    assert answer.headers["ratelimit"] == '"store";r=0;t=3'


async def test_who_did_not_say_who_they_are_is_challenged(client: httpx.AsyncClient) -> None:
    answer, body = await ask(client, "stranger")
    assert (answer.status_code, body["code"]) == (401, "missing_token")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_every_problem_says_what_to_do_and_has_a_status_of_an_error() -> None:
    for code, problem in CATALOGUE.items():
        assert 400 <= problem.status < 600, code
        assert problem.sentence.endswith("."), code
        assert problem.remedy.endswith((".", "?")), code


async def test_a_bug_is_logged_and_not_shown(client: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        answer = await client.get("/errors/bug")
    (said,) = logs
    assert (said["event"], said["path"]) == ("request failed", "/errors/bug")
    assert said["exc_info"] is ERRORS["bug"]
    assert "secret" not in answer.text


async def test_what_a_caller_did_wrong_is_not_logged_as_our_error(
    client: httpx.AsyncClient,
) -> None:
    with capture_logs() as logs:
        await client.get("/errors/permanent")
        await client.post("/forms", json={"lines": "x"})
        await client.get("/errors/overloaded")
    assert logs == [], "what a limit refuses is in the metrics"


async def test_an_outage_is_a_warning_without_a_traceback(client: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        await client.get("/errors/restarting")
    (said,) = logs
    assert (said["log_level"], said["reason"]) == ("warning", "the database system is starting up")
    assert "exc_info" not in said


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nowhere", 404, "unknown_path"), ("GET", "/forms", 405, "method_not_allowed")],
)
async def test_an_unknown_address_is_a_problem_too(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers.get("allow") == ("POST" if status == 405 else None)


async def test_what_was_meant_is_said(client: httpx.AsyncClient) -> None:
    near = (await client.post("/form", json={})).json()
    assert near["detail"] == (
        "There is no path /form here. Is `/forms` meant? `/docs` lists them all."
    )
    wrong = (await client.get("/forms")).json()
    assert wrong["detail"].startswith("This path has no GET; it has POST.")
    as_a_form = await client.post("/forms", data={"lines": "x"})
    assert (as_a_form.status_code, as_a_form.json()["code"]) == (415, "unsupported_media_type")
    assert "came as application/x-www-form-urlencoded" in as_a_form.json()["detail"]
