"""The console's only wiring: sessions, the other services' APIs, pages."""

from pathlib import Path

import httpx
import structlog
from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from services.console import http_errors
from services.console.api.client import Apis
from services.console.browser.cookies import CookieNames
from services.console.browser.http_guard import OwnForms, SafeAnswers
from services.console.browser.operators import Operators
from services.console.browser.sessions import Sessions
from services.console.dependencies import UPLOADS, Dependencies
from services.console.pages import http_all
from services.console.rendering.assets import FOLDER, PREFIX
from services.console.settings import Settings
from services.console.views.views import Views
from shared.process import Process
from shared.sealing import Sealer
from shared.web.bodies import BoundedBodies

logger = structlog.get_logger(__name__)


def create_app(settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> FastAPI:
    """The console.

    Args:
        settings: its own.
        transport: how the APIs are reached; by sockets unless a test says otherwise.
    """
    process = Process(settings, "console")
    if settings.is_exposed:
        logger.warning(
            "passwords and orders cross the network in plain text: put the console behind TLS, "
            "and set RELEVO_CONSOLE_PUBLIC_URL to its https address",
            public_url=settings.console_public_url,
        )
    apis = Apis(settings.apis, settings.console_api_seconds, transport)
    sealer = Sealer.parse(settings.sealing_keys.get_secret_value())
    sessions = Sessions(process.database, apis, sealer)
    process.on_start(apis.open)
    process.on_stop(apis.close)
    process.background("sessions", sessions.sweep)
    app = FastAPI(
        title="Relevo console",
        lifespan=process.lifespan,
        redirect_slashes=False,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.dependencies = Dependencies(
        settings,
        apis,
        sessions,
        Operators(process.database, sealer),
        sealer,
        CookieNames(settings.is_https),
        Views(process.database),
    )
    http_errors.install(app)
    # The last one added is the first that a request meets.
    app.add_middleware(BoundedBodies, streamed=UPLOADS)
    app.add_middleware(GZipMiddleware, minimum_size=1_000, compresslevel=5)
    app.add_middleware(OwnForms, public_url=settings.console_public_url)
    app.add_middleware(SafeAnswers, is_https=settings.is_https)
    app.include_router(process.health.router())
    app.mount(PREFIX, _Assets(directory=FOLDER))
    for router in http_all.ROUTERS:
        app.include_router(router)
    return app


class _Assets(StaticFiles):
    """Files whose address has a digest of what is in them: kept for good."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, whatever digest was asked for."""
        response = await super().get_response(Path(path).name, scope)
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response
