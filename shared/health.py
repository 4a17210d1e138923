"""Liveness, readiness and metrics of one process.

Live: the process answers. Ready: its database answers, its producer is connected, its consumers
have asked Kafka for records lately, and it has read what it has to know first; the answer names
what is missing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Depends
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response

from shared.web.access import public
from shared.web.problems import RETRY_AFTER_SECONDS

# A check returns None when all is well, else what is missing.
Check = Callable[[], Awaitable[str | None]]
_CHECK_SECONDS = 2.0


class Health:
    """The named checks of a service."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self._started = time.monotonic()

    def add(self, name: str, check: Check) -> None:
        """Ask `check` whenever readiness is asked for."""
        self._checks[name] = check

    async def report(self) -> dict[str, str]:
        """Each check's name → `ok` or what is missing."""

        async def ask(check: Check) -> str:
            try:
                async with asyncio.timeout(_CHECK_SECONDS):
                    return await check() or "ok"
            except Exception as error:  # noqa: BLE001  whatever fails, readiness says so
                return str(error) or type(error).__name__

        answers = await asyncio.gather(*(ask(check) for check in self._checks.values()))
        return dict(zip(self._checks, answers, strict=True))

    def router(self) -> APIRouter:
        """`/health/live`, `/health/ready` and `/metrics`."""
        router = APIRouter(include_in_schema=False, dependencies=[Depends(public)])

        @router.get("/health/live")
        async def live() -> dict[str, str]:
            return {"status": "ok"}

        @router.get("/health/ready")
        async def ready() -> Response:
            report = await self.report()
            is_ready = all(answer == "ok" for answer in report.values())
            return JSONResponse(
                {"status": "ok" if is_ready else "not_ready", "checks": report},
                status_code=200 if is_ready else 503,
                headers={} if is_ready else {"Retry-After": str(RETRY_AFTER_SECONDS)},
            )

        @router.get("/metrics")
        async def metrics() -> Response:
            return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

        return router
