"""Routing's only wiring: what it reads, what it runs, what it serves."""

from fastapi import FastAPI

from services.routing.handlers import Handlers, read_connection, read_order
from services.routing.http import router
from services.routing.settings import Settings
from services.routing.sweep import Sweeper
from shared.contracts import CONNECTIONS_CHANGED, ORDERS_RECEIVED
from shared.runtime import Runtime


def create_app(settings: Settings) -> FastAPI:
    """The routing service."""
    runtime = Runtime(settings, "routing")
    sweeper = Sweeper(runtime.database, settings.routing_sweep_chunk)
    handlers = Handlers(runtime.database, sweeper)
    runtime.bus.consume(
        ORDERS_RECEIVED,
        read_order,
        handlers.on_orders_received,
        group="routing-orders",
        max_records=settings.routing_batch_records,
        gather_ms=settings.routing_gather_ms,
    )
    runtime.bus.consume(
        CONNECTIONS_CHANGED,
        read_connection,
        handlers.on_connections_changed,
        group="routing-connections",
    )
    runtime.background("sweep", sweeper.run)
    app = runtime.app(
        "Relevo routing",
        "Whose order it is: the Orders tab, commands, hand-overs.",
    )
    app.include_router(router)
    return app
