"""A Sendcloud of our own, that behaves as version 3 of its API is documented to."""

import asyncio
import base64
import hmac
import time
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import orjson
from aiohttp import web

KEYS = ("public", "secret")
A_PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 288 432]>>endobj\nxref\n0 4\n0000000000 65535 f \n0000000009 00000 n \n0000000052 00000 n \n0000000101 00000 n \ntrailer<</Size 4/Root 1 0 R>>\nstartxref\n164\n%%EOF"  # noqa: E501  one small file
Hook = Callable[[dict[str, Any]], Awaitable[web.StreamResponse | None]]


async def _nothing(_: dict[str, Any]) -> web.StreamResponse | None:
    return None


class FakeSendcloud:
    """Listens on loopback. `before` sees an announcement before, `after` once it is made."""

    def __init__(self) -> None:
        self.shipments: dict[str, dict[str, Any]] = {}
        self.announced: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.before: Hook = _nothing
        self.after: Hook = _nothing
        self.fails_for: set[str] = set()
        self.cancel_answer = (200, "cancelled")
        self.document: bytes = A_PDF
        self.writes: deque[float] = deque()
        self.most_in_a_second = 15
        self.port = 0
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Of its API."""
        return f"http://127.0.0.1:{self.port}/api/v3"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/api/v3/shipments/announce", self._announce)
        app.router.add_get("/api/v3/shipments", self._list)
        app.router.add_post("/api/v3/shipments/{id}/cancel", self._cancel)
        app.router.add_get("/api/v3/parcels/{id}/documents/label", self._label)
        app.router.add_post("/api/v3/shipping-options", self._options)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def _check(self, request: web.Request) -> None:
        wanted = base64.b64encode(":".join(KEYS).encode()).decode()
        if request.headers.get("authorization") != f"Basic {wanted}":
            raise web.HTTPUnauthorized(
                body=b'{"errors": [{"detail": "Invalid credentials"}]}',
                content_type="application/json",
            )
        self.asked.append(f"{request.method} {request.path}")

    def _limit(self) -> web.Response | None:
        now = time.monotonic()
        while self.writes and self.writes[0] < now - 1:
            self.writes.popleft()
        if len(self.writes) >= self.most_in_a_second:
            return web.json_response(
                {"errors": [{"detail": "too fast"}]}, status=429, headers={"retry-after": "1"}
            )
        self.writes.append(now)
        return None

    async def _announce(self, request: web.Request) -> web.StreamResponse:
        self._check(request)
        if (limited := self._limit()) is not None:
            return limited
        body = await request.json()
        if (answer := await self.before(body)) is not None:
            return answer
        reference = body["external_reference_id"]
        known = reference in self.shipments
        if not known:
            self.announced.append(body)
            self.shipments[reference] = self._made(body)
        if (answer := await self.after(body)) is not None:
            return answer
        return web.json_response({"data": self.shipments[reference]}, status=409 if known else 201)

    def _made(self, body: dict[str, Any]) -> dict[str, Any]:
        number = len(self.shipments) + 1
        failed = body["to_address"]["city"] in self.fails_for
        code = "ANNOUNCEMENT_FAILED" if failed else "READY_TO_SEND"
        parcels = [
            {
                "id": number * 100 + place,
                "status": {"code": code, "message": code.title()},
                # It has one even when nothing came of it.
                "tracking_number": f"SC{number:04d}{place}",
                "tracking_url": f"https://tracking.example/SC{number:04d}{place}",
                "documents": [
                    {
                        "type": "label",
                        "size": "a6",
                        "link": f"{self.url}/parcels/{number * 100 + place}/documents/label",
                    }
                ],
                "errors": [{"detail": "The postal code is not served"}] if failed else [],
            }
            for place, _ in enumerate(body["parcels"], start=1)
        ]
        return {
            "id": f"sc-{number}",
            "external_reference_id": body["external_reference_id"],
            "parcels": parcels,
            "price": {"total": {"value": "5.20", "currency": "EUR"}},
        }

    async def _list(self, request: web.Request) -> web.Response:
        self._check(request)
        reference = request.query.get("external_reference_id", "")
        found = [self.shipments[reference]] if reference in self.shipments else []
        return web.json_response({"data": found})

    async def _cancel(self, request: web.Request) -> web.Response:
        self._check(request)
        status, word = self.cancel_answer
        body = {"data": {"status": word, "message": word}}
        if status == 409:
            body = {"errors": [{"detail": "It has left already"}]}  # type: ignore[dict-item]
        return web.json_response(body, status=status)

    async def _label(self, request: web.Request) -> web.Response:
        self._check(request)
        return web.Response(body=self.document, content_type="application/pdf")

    async def _options(self, request: web.Request) -> web.Response:
        self._check(request)
        body = await request.json()
        option = {
            "code": "postnl:standard",
            "name": f"PostNL to {body['to_country_code']}",
            "quotes": [{"price": {"total": {"value": "4.95", "currency": "EUR"}}}],
        }
        return web.json_response({"data": [option]})

    def webhook(self, parcel_id: int, status: int, at: int) -> tuple[bytes, dict[str, str]]:
        """What it says of a parcel, and the headers that it says it with."""
        body = orjson.dumps(
            {
                "action": "parcel_status_changed",
                "timestamp": at * 1_000,
                "carrier_status_change_timestamp": at,
                "parcel": {"id": parcel_id, "status": {"id": status, "message": "?"}},
            }
        )
        signature = hmac.new(KEYS[1].encode(), body, "sha256").hexdigest()
        return body, {"sendcloud-signature": signature, "content-type": "application/json"}


async def hang(_: dict[str, Any]) -> web.StreamResponse | None:
    """For longer than anybody waits."""
    await asyncio.Event().wait()
    return None
