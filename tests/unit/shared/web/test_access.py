"""Every endpoint says who may call it, and the documents show the same."""

from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI

from shared.web.access import (
    Account,
    BearerAccess,
    Public,
    UndeclaredAccess,
    require_declared_access,
)
from shared.web.auth import Verifier
from shared.web.problems import install
from shared.web.revocations import Revocations


async def _parts() -> None:
    """A dependency that is no access."""


def an_app(router: APIRouter) -> FastAPI:
    app = FastAPI()
    install(app)
    app.include_router(router)
    return app


def test_an_endpoint_without_an_access_keeps_its_service_from_starting() -> None:
    router = APIRouter()

    @router.get("/open")
    async def public(_: Public) -> None: ...

    @router.get("/mine")
    async def mine(caller: Account) -> None: ...

    @router.post("/forgotten")
    async def forgotten(parts: Annotated[None, Depends(_parts)]) -> None: ...

    with pytest.raises(UndeclaredAccess, match="POST /forgotten") as refused:
        require_declared_access(an_app(router))
    assert "/open" not in str(refused.value)
    assert "/mine" not in str(refused.value)


def test_an_access_may_be_declared_for_a_whole_router() -> None:
    router = APIRouter(dependencies=[Depends(BearerAccess("OperatorKey", "The operator's."))])

    @router.get("/all")
    async def everything() -> None: ...

    require_declared_access(an_app(router))


def test_the_locks_of_openapi_follow_from_the_access() -> None:
    router = APIRouter()

    @router.get("/open")
    async def public(_: Public) -> None: ...

    @router.get("/mine")
    async def mine(caller: Account) -> None: ...

    document = an_app(router).openapi()
    assert "security" not in document["paths"]["/open"]["get"]
    assert document["paths"]["/mine"]["get"]["security"] == [{"HTTPBearer": []}]
    assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"


async def test_who_shows_nothing_is_refused_before_the_handler_runs() -> None:
    router = APIRouter()
    ran = False

    @router.get("/mine")
    async def mine(caller: Account) -> None:
        nonlocal ran
        ran = True

    app = an_app(router)
    app.state.verifier = Verifier('{"keys": []}', "relevo")
    app.state.revocations = Revocations()
    app.state.area = "orders"
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        answer = await client.get("/mine")
    assert (answer.status_code, answer.json()["code"]) == (401, "missing_token")
    assert not ran
