"""What is answered before a process has read what it has to know."""

import httpx
import pytest
from fastapi import FastAPI

from shared.web import problems
from shared.web.catching_up import UntilCaughtUp


@pytest.mark.parametrize(
    ("path", "is_open"),
    [
        ("/health/ready", True),
        ("/metrics", True),
        ("/docs", True),
        ("/openapi.json", True),
        ("/v1/stores/1/orders", True),
        ("/v1/stores", False),
        ("/v1/orders", False),
        ("/healthy", False),
    ],
)
async def test_all_but_what_says_nothing_about_anybody_is_503_until_then(
    path: str, *, is_open: bool
) -> None:
    app, caught_up = FastAPI(docs_url=None, openapi_url=None), False
    problems.install(app)
    app.add_middleware(UntilCaughtUp, is_caught_up=lambda: caught_up, answers=("/v1/stores/",))

    @app.get(path)
    async def answer() -> str:
        return "here"

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://service"
    ) as client:
        before = await client.get(path)
        caught_up = True
        after = await client.get(path)
    assert after.json() == "here"
    if is_open:
        assert before.json() == "here"
    else:
        assert (before.status_code, before.headers["retry-after"]) == (503, "2")
        assert before.headers["content-type"] == "application/problem+json"
        assert before.json()["code"] == "temporarily_unavailable"
