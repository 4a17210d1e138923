"""Ingest's only wiring: what it reads, what it runs, what it serves."""

from fastapi import FastAPI

from services.ingest.credentials import Stores, read_store
from services.ingest.http import Gate, router
from services.ingest.intake import Intake
from services.ingest.settings import Settings
from shared.contracts import STORES_CHANGED
from shared.runtime import Runtime
from shared.sealing import Sealer


def create_app(settings: Settings) -> FastAPI:
    """The ingest service."""
    runtime = Runtime(settings, "ingest")
    stores = Stores(runtime.database, Sealer.parse(settings.sealing_keys.get_secret_value()))
    intake = Intake(
        runtime.bus,
        runtime.database,
        settings.ingest_acknowledge_seconds,
        settings.ingest_probe_seconds,
    )
    # Every process holds every store: no group.
    runtime.bus.consume(STORES_CHANGED, read_store, stores.on_stores_changed, group=None)
    runtime.background("stores", stores.load)
    runtime.health.add("stores", stores.check)
    app = runtime.app(
        "Relevo ingest",
        "Where stores send their orders: durable before it is answered.",
    )
    app.state.gate = Gate(settings, stores, intake)
    app.include_router(router)
    return app
