"""A 3PL's receiver that does what a test tells it to, and keeps what it got."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import orjson
from aiohttp import web
from standardwebhooks import Webhook

from tests.kit.waiting import eventually


@dataclass(frozen=True)
class ReceivedWebhook:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def order(self) -> str:
        return str(self.json["data"]["id"])

    @property
    def sequence(self) -> int:
        return int(self.json["data"]["sequence"])

    @property
    def json(self) -> dict[str, Any]:
        return dict(orjson.loads(self.body))

    def verified(self, secret: str) -> dict[str, Any]:
        """The body, judged by the reference library; raises when the signature is wrong."""
        return dict(Webhook(secret).verify(self.body.decode(), self.headers))


Answering = Callable[[ReceivedWebhook], Awaitable[web.Response]]


async def _ok(_: ReceivedWebhook) -> web.Response:
    return web.Response(text="thanks")


class Receiver:
    """Listens on loopback; `answer` may be replaced at any time."""

    def __init__(self) -> None:
        self.got: list[ReceivedWebhook] = []
        self.answer: Answering = _ok
        self.port = 0
        self._runner: web.ServerRunner | None = None
        self._hung: set[asyncio.Event] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    async def _serve(self, request: web.BaseRequest) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        got = ReceivedWebhook(request.path, headers, await request.read())
        self.got.append(got)
        return await self.answer(got)

    async def hang(self, _: ReceivedWebhook) -> web.Response:
        """Do not answer before `let_go`."""
        event = asyncio.Event()
        self._hung.add(event)
        await event.wait()
        return web.Response()

    def let_go(self) -> None:
        """Answer 200 to all that hangs."""
        for event in self._hung:
            event.set()

    def will(self, status: int, **headers: str) -> None:
        """Answer with a status from now on."""

        async def answer(_: ReceivedWebhook) -> web.Response:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return web.Response(status=status, headers=named)

        self.answer = answer

    async def has(self, count: int, seconds: float = 20.0) -> list[ReceivedWebhook]:
        """What came, once there are `count`."""

        async def look() -> list[ReceivedWebhook]:
            return list(self.got)

        return await eventually(look, lambda got: len(got) >= count, seconds)

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._serve), shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.let_go()
        if self._runner is not None:
            await self._runner.cleanup()
