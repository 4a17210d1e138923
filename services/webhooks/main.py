"""Webhooks' only wiring: what it reads, what it runs, what it serves."""

from fastapi import FastAPI

from services.webhooks import handlers
from services.webhooks.dispatcher import Dispatcher
from services.webhooks.endpoints import Endpoints
from services.webhooks.guard import Guard
from services.webhooks.http import router
from services.webhooks.sender import HttpSender
from services.webhooks.settings import Settings
from shared.runtime import Runtime
from shared.sealing import Sealer


def create_app(settings: Settings) -> FastAPI:
    """The webhooks service."""
    runtime = Runtime(settings, "webhooks", relays=False)
    guard = Guard(settings.webhooks_allowed_networks, allow_http=settings.webhooks_allow_http)
    sender = HttpSender(guard, settings.webhooks_attempt_seconds)
    sealer = Sealer.parse(settings.sealing_keys.get_secret_value())
    endpoints = Endpoints(runtime.database, sealer)
    dispatcher = Dispatcher(runtime.database, endpoints, sender, settings)
    handlers.subscribe(runtime.kafka.router, runtime.database, endpoints, dispatcher, settings)
    runtime.background("outcomes", dispatcher.outcomes.run)
    runtime.background("dispatcher", dispatcher.run)

    async def stop() -> None:
        # Half for attempts, half for what they leave to write.
        await dispatcher.stop(settings.shutdown_seconds / 2)
        await sender.close()

    runtime.on_start(sender.open)
    runtime.on_stop(stop)
    app = runtime.app(
        "Relevo webhooks",
        "What the 3PLs are told: deliveries and their attempts.",
    )
    app.include_router(router)
    return app
