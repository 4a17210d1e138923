"""Ingest's only wiring: what it reads, what it runs, what it serves."""

from functools import partial

from fastapi import FastAPI

from services.ingest import (
    handlers,
    http_orders,
    http_platforms,
    http_quarantine,
    notices,
    quarantine,
)
from services.ingest.admission import Admission
from services.ingest.arrivals import http as arrivals_http
from services.ingest.arrivals.watching import Arrivals
from services.ingest.claims import Claims
from services.ingest.credentials import Stores
from services.ingest.dependencies import Dependencies
from services.ingest.erasure import eraser
from services.ingest.erasure import handlers as erasure_handlers
from services.ingest.intake import Intake, spool_of
from services.ingest.platforms import load_platforms
from services.ingest.replay import Replay
from services.ingest.settings import Settings
from services.ingest.test_orders.sending import TestOrders
from shared.postgres.erased_accounts import ErasedAccounts
from shared.postgres.tallies import Tallies
from shared.runtime import Runtime
from shared.sealing import Sealer


def create_app(settings: Settings) -> FastAPI:
    """The ingest service."""
    runtime = Runtime(settings, "ingest")
    stores = Stores(
        runtime.database,
        Sealer.parse(settings.sealing_keys.get_secret_value()),
        lambda: runtime.opening.is_done,
    )
    intake = Intake(
        runtime.kafka.producer.send,
        spool_of(runtime.database),
        settings.ingest_acknowledge_seconds,
        settings.ingest_probe_seconds,
    )
    claims = Claims()
    handlers.subscribe(runtime.kafka.router, stores, claims)
    erased = ErasedAccounts(runtime.database, runtime.name, partial(eraser.erase, runtime.database))
    erasure_handlers.subscribe(runtime.kafka.router, erased)
    runtime.background("erasure", erased.run)
    runtime.background("stores", stores.load)
    runtime.background(
        "quarantine", partial(quarantine.measure, runtime.database, settings.ingest_measure_seconds)
    )
    tallies = Tallies(runtime.database, notices.quarantine_notices, settings.ingest_measure_seconds)
    runtime.background("tallies", tallies.run)
    arrivals = Arrivals(runtime.database, settings.ingest_arrival_seconds)
    runtime.background("arrivals", arrivals.run)
    runtime.on_stop(arrivals.write)
    test_orders = TestOrders(runtime.database, stores, intake, settings.ingest_test_order_seconds)
    # Whose they are has to be known.
    runtime.background("test orders", test_orders.run, [runtime.opening.wait])
    runtime.health.add("stores", stores.check)
    app = runtime.app(
        "Relevo ingest",
        "Where stores send their orders: durable before it is answered.",
        forms_only=False,
        # Stores that are known are served while Kafka is away; `Stores` says which those are.
        answers_at_once=("/v1/stores/", "/webhooks/"),
        plain_routes=(http_platforms.RECEIVE_WEBHOOK, http_orders.RECEIVE_ORDERS),
    )
    platforms = load_platforms()
    app.state.dependencies = Dependencies(
        settings=settings,
        database=runtime.database,
        stores=stores,
        admission=Admission(settings),
        intake=intake,
        platforms=platforms,
        replay=Replay(runtime.database, stores, intake, platforms, settings.ingest_max_orders),
        arrivals=arrivals,
        claims=claims,
        test_orders=test_orders,
    )
    # The busiest first: Starlette asks one after the other whether a path is theirs.
    for router in (
        http_platforms.router,
        http_orders.router,
        http_quarantine.router,
        arrivals_http.router,
    ):
        app.include_router(router)
    return app
