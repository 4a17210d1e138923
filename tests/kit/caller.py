"""A service in this process, asked as one account."""

from typing import Any, Self

import httpx
from fastapi import FastAPI

Json = dict[str, Any]


class Caller:
    """Calls with one token.

    Args:
        app: the started service.
        token: of the account.
    """

    def __init__(self, app: FastAPI, token: str) -> None:
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://service",
            headers={"authorization": f"Bearer {token}"},
        )

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._client.aclose()

    async def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """One request."""
        return await self._client.request(method, path, json=body, headers=headers)

    async def get(self, path: str) -> Json:
        """What a GET answers."""
        return await self.ok("GET", path)

    async def ok(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Json:
        """What a call answers that goes well."""
        answer = await self.call(method, path, body, headers)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return dict(answer.json()) if answer.content else {}

    async def refused(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, str]:
        """Status and code of a refusal."""
        answer = await self.call(method, path, body, headers)
        return answer.status_code, answer.json().get("code", "")
