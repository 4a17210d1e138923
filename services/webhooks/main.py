"""Webhooks' only wiring: what it reads, what it runs, what it serves."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID, uuid4

from fastapi import FastAPI

from services.webhooks import endpoint_urls, handlers, http, http_endpoints
from services.webhooks.brand_endpoints import sweep
from services.webhooks.brand_endpoints.changing import BrandEndpoints
from services.webhooks.claimer import Claimer
from services.webhooks.delivery import Lease
from services.webhooks.dependencies import Dependencies
from services.webhooks.dispatcher import Dispatcher
from services.webhooks.endpoint_queue import EndpointQueues, Limits
from services.webhooks.endpoints import Endpoints
from services.webhooks.erasure import eraser
from services.webhooks.erasure import handlers as erasure_handlers
from services.webhooks.health import http as health_http
from services.webhooks.notices import raising
from services.webhooks.outcome_writer import OutcomeWriter
from services.webhooks.returns.returns import Returns
from services.webhooks.sender import HttpSender
from services.webhooks.settings import Settings
from services.webhooks.url_test import UrlTest
from shared.egress.guard import Guard
from shared.egress.plain_urls import seal_all
from shared.egress.resolver import GuardedResolver
from shared.egress.url_check import UrlCheck
from shared.postgres.erased_accounts import UNDER_WAY_SECONDS, ErasedAccounts
from shared.postgres.tallies import Tallies
from shared.runtime import Runtime
from shared.sealing import Sealer
from shared.web.idempotency import IdempotencyKeys


def create_app(settings: Settings) -> FastAPI:
    """The webhooks service."""
    runtime = Runtime(settings, "webhooks")
    guard = Guard(settings.webhooks_allowed_networks, allow_http=settings.webhooks_allow_http)
    sender = HttpSender(guard, settings.webhooks_attempt_seconds)
    sealer = Sealer.parse(settings.sealing_keys.get_secret_value())
    endpoints = Endpoints(runtime.database, sealer)
    queues = EndpointQueues(
        Limits(
            first_attempts=settings.webhooks_concurrency,
            retries=settings.webhooks_retry_concurrency,
            deliveries=settings.webhooks_queue_deliveries,
            memory_bytes=settings.webhooks_memory_bytes,
            endpoint_bytes=settings.webhooks_endpoint_memory_bytes,
        )
    )
    lease = Lease(uuid4(), settings.webhooks_lease_seconds, settings.webhooks_attempt_seconds)
    outcomes = OutcomeWriter(
        runtime.database,
        lease.owner,
        flush_seconds=settings.webhooks_flush_seconds,
        limit=settings.webhooks_unwritten_outcomes,
    )
    claimer = Claimer(runtime.database, endpoints, queues, outcomes, lease, settings)
    returns = Returns(runtime.database, queues, lease, settings.webhooks_poll_seconds)
    dispatcher = Dispatcher(
        runtime.database, endpoints, sender, queues, outcomes, claimer, returns, lease, settings
    )
    claimer.on_claimed = dispatcher.start
    outcomes.on_written = dispatcher.note_written
    outcomes.on_paused = endpoints.note_paused
    outcomes.on_disabled = endpoints.note_disabled
    returns.on_freed = claimer.note_stored_work
    outcomes.on_released = claimer.note_stored_work
    handlers.subscribe(
        runtime.kafka.router,
        runtime.database,
        endpoints,
        dispatcher,
        claimer,
        settings,
        sealer,
        [runtime.opening.wait, endpoints.load_subscriptions],
    )
    erased = ErasedAccounts(
        runtime.database,
        runtime.name,
        partial(eraser.erase, runtime.database),
        settings.webhooks_lease_seconds + UNDER_WAY_SECONDS,
    )
    erasure_handlers.subscribe(runtime.kafka.router, erased)
    runtime.background("erasure", erased.run)
    tallies = Tallies(runtime.database, raising.exhausted_notices, settings.webhooks_poll_seconds)
    runtime.background("tallies", tallies.run)
    runtime.background("outcomes", outcomes.run)
    runtime.background("claimer", claimer.run)
    runtime.background("returns", returns.run)
    runtime.background(
        "plain urls",
        lambda: seal_all(lambda: endpoint_urls.seal_batch(runtime.database, sealer)),
    )

    runtime.background("idempotency keys", partial(sweep.run, runtime.database))

    async def changed(endpoint_ids: Sequence[UUID]) -> None:
        """They are known here at once; elsewhere within `webhooks_poll_seconds`."""
        endpoints.forget_pauses(endpoint_ids)
        await endpoints.reload(endpoint_ids)
        claimer.endpoints_changed(endpoint_ids)
        for endpoint_id in endpoint_ids:
            # What memory has of one that was deleted is given up.
            dispatcher.start(endpoint_id)

    async def stop() -> None:
        claimer.stop()
        # Half for attempts, half for what they leave to write; both end before they are cut off.
        await dispatcher.stop(runtime.stop_seconds() * 0.45)
        await sender.close()

    url_check = UrlCheck(guard, GuardedResolver(guard))
    runtime.on_start(sender.open)
    runtime.on_stop(stop)
    runtime.on_stop(url_check.close)
    app = runtime.app(
        "Relevo webhooks",
        "What 3PLs and brands are told: endpoints, deliveries and their attempts.",
    )
    app.state.dependencies = Dependencies(
        database=runtime.database,
        endpoints=endpoints,
        brand_endpoints=BrandEndpoints(sealer, changed),
        idempotency_keys=IdempotencyKeys(runtime.database, sealer),
        url_check=url_check,
        url_test=UrlTest(sender),
        note_work=claimer.note_stored_work,
    )
    # What has a path of its own before what takes an id there.
    for router in (http.router, health_http.router, http_endpoints.router):
        app.include_router(router)
    return app
