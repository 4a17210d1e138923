"""Routing's only wiring: what it reads, what it runs, what it serves."""

from fastapi import FastAPI

from services.routing import handlers, http, received
from services.routing.erasure import handlers as erasure_handlers
from services.routing.lists import http as lists_http
from services.routing.parking.replay import Replayer
from services.routing.settings import Settings
from services.routing.sweep import Sweeper
from shared.runtime import Runtime


def create_app(settings: Settings) -> FastAPI:
    """The routing service."""
    runtime = Runtime(settings, "routing")
    sweeper = Sweeper(runtime.database, settings.routing_sweep_chunk)
    handlers.subscribe(runtime.kafka.router, runtime.database, sweeper, settings)
    erasure_handlers.subscribe(runtime.kafka.router, runtime.database, sweeper)
    runtime.background("sweep", sweeper.run)
    runtime.background("replay", Replayer(runtime.database, received.handle_again).run)
    app = runtime.app(
        "Relevo routing",
        "Whose order it is: the Orders tab, commands, hand-overs.",
    )
    app.include_router(lists_http.router)
    app.include_router(http.router)
    return app
