"""Fulfilment's only wiring: what it reads, what it runs, what it serves."""

from functools import partial

from fastapi import FastAPI

from services.fulfilment.carrier_accounts import http as carrier_accounts_http
from services.fulfilment.carrier_accounts.account import Carriers
from services.fulfilment.carriers.calling import Calls
from services.fulfilment.erasure import eraser
from services.fulfilment.erasure import handlers as erasure_handlers
from services.fulfilment.labels import http as labels_http
from services.fulfilment.labels import http_carriers as carriers_http
from services.fulfilment.labels.buying import Buyer
from services.fulfilment.labels.dependencies import Dependencies as LabelDependencies
from services.fulfilment.ledger import http as ledger_http
from services.fulfilment.ledger.reading import http as reading_http
from services.fulfilment.ledger.statements import http as statements_http
from services.fulfilment.orders import handlers as orders_handlers
from services.fulfilment.price_lists import http as price_lists_http
from services.fulfilment.settings import Settings
from services.fulfilment.shipments import http as shipments_http
from services.fulfilment.shipments import http_commands as shipments_commands
from services.fulfilment.shipping_rules import http as shipping_rules_http
from services.fulfilment.tickets import http as tickets_http
from services.fulfilment.tickets import http_help as help_http
from services.fulfilment.tickets import sweep
from services.fulfilment.tickets.dependencies import Dependencies as TicketDependencies
from services.fulfilment.tickets.files import http as files_http
from services.fulfilment.tickets.mail import http as mail_http
from services.fulfilment.tickets.mail.outgoing import Post
from shared.egress.guard import Guard
from shared.egress.resolver import GuardedResolver
from shared.egress.url_check import UrlCheck
from shared.postgres.erased_accounts import ErasedAccounts
from shared.runtime import Runtime
from shared.sealing import Sealer
from shared.web.idempotency import IdempotencyKeys
from shared.web.places import Places


def create_app(settings: Settings) -> FastAPI:
    """The fulfilment service."""
    runtime = Runtime(settings, "fulfilment")
    orders_handlers.subscribe(
        runtime.kafka.router, runtime.database, settings, [runtime.opening.wait]
    )
    erased = ErasedAccounts(runtime.database, runtime.name, partial(eraser.erase, runtime.database))
    erasure_handlers.subscribe(runtime.kafka.router, erased)
    runtime.background("erasure", erased.run)
    runtime.background("sweep", partial(sweep.run, runtime.database))
    app = runtime.app(
        "Relevo fulfilment",
        "What happens to an order when it is worked: shipping rules, shipments, tickets, fees.",
        streamed=files_http.STREAMED,
    )
    guard = Guard(settings.webhooks_allowed_networks, allow_http=settings.webhooks_allow_http)
    calls = Calls(guard, settings.fulfilment_carrier_seconds)
    sealer = Sealer.parse(settings.sealing_keys.get_secret_value())
    carriers = Carriers(calls, sealer, settings.fulfilment_sendcloud_url)
    buyer = Buyer(
        runtime.database,
        carriers,
        concurrency=settings.fulfilment_label_concurrency,
        # A claim outlives the calls that are made under it.
        lease_seconds=4 * settings.fulfilment_carrier_seconds,
        poll_seconds=settings.fulfilment_label_poll_seconds,
    )
    runtime.on_start(calls.open)
    runtime.background("labels", buyer.run)
    runtime.on_stop(calls.close)
    url_check = UrlCheck(guard, GuardedResolver(guard))
    runtime.on_stop(url_check.close)
    app.state.operator_key = settings.fulfilment_operator_key
    app.state.idempotency_keys = IdempotencyKeys(runtime.database, sealer)
    app.state.tickets = TicketDependencies(
        runtime.database,
        app.state.idempotency_keys,
        Post(sealer, settings.fulfilment_public_url.rstrip("/"), settings.fulfilment_mail_domain),
        settings.fulfilment_mail_secret.get_secret_value(),
    )
    app.state.labels = LabelDependencies(
        runtime.database,
        sealer,
        app.state.idempotency_keys,
        carriers,
        url_check,
        buyer,
        Places("carriers", settings.fulfilment_carrier_requests),
        Places("carrier_address", max(1, settings.fulfilment_carrier_requests // 4)),
    )
    app.include_router(shipping_rules_http.router)
    app.include_router(price_lists_http.router)
    app.include_router(carrier_accounts_http.router)
    app.include_router(carriers_http.router)
    # Before `/v1/shipments/{shipment_id}/…`: `labels`, `reapply` and `ship` are no ids.
    app.include_router(labels_http.router)
    app.include_router(shipments_commands.router)
    app.include_router(shipments_http.router)
    app.include_router(ledger_http.router)
    app.include_router(reading_http.router)
    app.include_router(statements_http.router)
    app.include_router(tickets_http.router)
    app.include_router(files_http.router)
    app.include_router(files_http.links)
    app.include_router(files_http.operators)
    app.include_router(help_http.router)
    app.include_router(tickets_http.commands)
    app.include_router(mail_http.router)
    return app
