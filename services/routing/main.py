"""Routing's only wiring: what it reads, what it runs, what it serves."""

from fastapi import FastAPI

from services.routing import handlers, http, received
from services.routing.daily import http as daily_http
from services.routing.erasure import handlers as erasure_handlers
from services.routing.erasure.eraser import Eraser
from services.routing.handovers import http as handovers_http
from services.routing.lists import http as lists_http
from services.routing.lists import http_export
from services.routing.moves.mover import Mover
from services.routing.parking.replay import Replayer
from services.routing.settings import Settings
from services.routing.shipments import handlers as shipments_handlers
from services.routing.stream import http as stream_http
from services.routing.stream.tail import Tail
from services.routing.sweep import Sweeper
from services.routing.takeover.taking_over import TakingOver
from services.routing.what_if import http as what_if_http
from shared.kafka.topics import ORDERS_EVENTS
from shared.opening import Step
from shared.postgres.own_log import OwnLog
from shared.runtime import Runtime
from shared.sealing import Sealer

# 500 commands, each of which may place a hold with a note.
_MAX_FORM_BYTES = 262_144


def create_app(settings: Settings) -> FastAPI:
    """The routing service."""
    runtime = Runtime(settings, "routing")
    sweeper = Sweeper(runtime.database, settings.routing_sweep_chunk)
    mover = Mover(runtime.database)
    eraser = Eraser(runtime.database, sweeper.wake)
    taking_over = TakingOver(runtime.database, settings)
    runtime.opening.add(Step(taking_over.run, taking_over.missing))
    # Then, for what was taken over may be a claim's that has moved.
    runtime.opening.add(Step(mover.move_all, lambda: "claims that moved"))
    own_log = OwnLog(runtime.database, ORDERS_EVENTS)
    runtime.on_sent(own_log.note)
    runtime.background("own log", own_log.run)
    # Whatever decides on orders waits for it.
    before_orders = [runtime.opening.wait]
    handlers.subscribe(
        runtime.kafka.router, runtime.database, sweeper, mover, settings, before_orders
    )
    shipments_handlers.subscribe(runtime.kafka.router, runtime.database, settings, before_orders)
    erasure_handlers.subscribe(runtime.kafka.router, eraser)
    replayer = Replayer(runtime.database, received.handle_again)
    runtime.background("sweep", sweeper.run, before_orders)
    runtime.background("moves", mover.run, before_orders)
    runtime.background("erasure", eraser.run, before_orders)
    runtime.background("replay", replayer.run, before_orders)
    tail = Tail(settings)
    runtime.on_stop(tail.stop)
    app = runtime.app(
        "Relevo routing",
        "Whose order it is: the Orders tab, commands, hand-overs.",
        max_form_bytes=_MAX_FORM_BYTES,
    )
    app.state.tail = tail
    app.state.places = stream_http.Places(Sealer.parse(settings.sealing_keys.get_secret_value()))
    app.include_router(stream_http.router)
    # Before `/v1/orders/{order_id}`: `handed-back` and `export` are no ids.
    app.include_router(handovers_http.router)
    app.include_router(http_export.router)
    app.include_router(what_if_http.router)
    app.include_router(daily_http.router)
    app.include_router(lists_http.router)
    app.include_router(http.router)
    return app
