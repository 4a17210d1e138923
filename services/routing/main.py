"""Routing's only wiring: what it reads, what it runs, what it serves."""

from fastapi import FastAPI

from services.routing import handlers, http, received
from services.routing.erasure import handlers as erasure_handlers
from services.routing.erasure.eraser import Eraser
from services.routing.lists import http as lists_http
from services.routing.moves.mover import Mover
from services.routing.parking.replay import Replayer
from services.routing.settings import Settings
from services.routing.sweep import Sweeper
from shared.runtime import Runtime


def create_app(settings: Settings) -> FastAPI:
    """The routing service."""
    runtime = Runtime(settings, "routing")
    sweeper = Sweeper(runtime.database, settings.routing_sweep_chunk)
    mover = Mover(runtime.database)
    eraser = Eraser(runtime.database, sweeper.wake)
    # Whatever decides on orders waits for these, one after the other.
    before_orders = [runtime.kafka.caught_up]
    handlers.subscribe(
        runtime.kafka.router, runtime.database, sweeper, mover, settings, before_orders
    )
    erasure_handlers.subscribe(runtime.kafka.router, eraser)
    replayer = Replayer(runtime.database, received.handle_again)
    runtime.background("sweep", sweeper.run, before_orders)
    runtime.background("moves", mover.run, before_orders)
    runtime.background("erasure", eraser.run, before_orders)
    runtime.background("replay", replayer.run, before_orders)
    app = runtime.app(
        "Relevo routing",
        "Whose order it is: the Orders tab, commands, hand-overs.",
    )
    app.include_router(lists_http.router)
    app.include_router(http.router)
    return app
