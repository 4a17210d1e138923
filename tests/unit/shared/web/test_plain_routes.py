"""The busiest routes: answered without FastAPI, and in every other way as it would answer."""

from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Cookie, Depends, Request
from starlette.responses import JSONResponse, Response

from shared.failures import Refused
from shared.web import problems
from shared.web.access import PublicAccess
from shared.web.plain_routes import PlainFirst, plain


class Knock(PublicAccess):
    """Lets in who says please, and knows the path."""

    async def __call__(self, request: Request) -> str:  # type: ignore[override]
        if request.headers.get("please") != "1":
            raise Refused("missing_token", seen="nothing came")
        return str(request.path_params["name"])


router = APIRouter()


@router.post("/doors/{name}")  # noqa: FAST003  its access reads it
async def open_door(request: Request, who: Annotated[str, Depends(Knock())]) -> Response:
    said = await request.body()
    if said == b"away":
        raise ConnectionError("the database is away")
    if said == b"wrong":
        raise RuntimeError("nobody expected it")
    return JSONResponse({"who": who, "plain": "fastapi_inner_astack" not in request.scope})


@router.post("/windows/{name}")
async def open_window(
    request: Request, name: str, who: Annotated[str, Depends(Knock())]
) -> Response:
    return JSONResponse({"name": name, "who": who})


class Passport(PublicAccess):
    """Lets in who has a cookie, which FastAPI reads."""

    async def __call__(self, stamp: Annotated[str, Cookie()]) -> str:  # type: ignore[override]
        return stamp


@router.post("/gates")
async def open_gate(request: Request, who: Annotated[str, Depends(Passport())]) -> Response:
    return JSONResponse({"who": who})


@router.post("/holes")
async def open_hole(request: Request) -> Response:
    return JSONResponse({})


@router.get("/doors")
async def doors() -> dict[str, Any]:
    return {"doors": 1}


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = PlainFirst()
    app.plain_routes = (plain(router, open_door),)
    problems.install(app)
    app.include_router(router)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://doors")


PLEASE = {"please": "1"}


async def test_it_is_answered_without_fastapi(client: httpx.AsyncClient) -> None:
    answer = await client.post("/doors/front%20one", headers=PLEASE, content=b"hello")
    assert (answer.status_code, answer.json()) == (200, {"who": "front one", "plain": True})


async def test_what_is_raised_becomes_the_same_problem(client: httpx.AsyncClient) -> None:
    for headers, body, status, code in (
        ({}, b"", 401, "missing_token"),
        (PLEASE, b"away", 503, "temporarily_unavailable"),
        (PLEASE, b"wrong", 500, "internal_error"),
    ):
        answer = await client.post("/doors/front", headers=headers, content=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_the_rest_of_the_path_is_fastapis(client: httpx.AsyncClient) -> None:
    assert (await client.get("/doors/front")).status_code == 405
    assert (await client.post("/doors/a/b", headers=PLEASE)).json()["code"] == "unknown_path"
    assert (await client.get("/doors")).json() == {"doors": 1}


def test_a_route_that_needs_fastapi_is_none() -> None:
    with pytest.raises(ValueError, match="/windows/"):
        plain(router, open_window)
    with pytest.raises(ValueError, match="/gates"):
        plain(router, open_gate)
    with pytest.raises(ValueError, match="/holes"):
        plain(router, open_hole)
    with pytest.raises(ValueError, match="/doors"):
        plain(router, doors)  # type: ignore[arg-type]
