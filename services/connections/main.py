"""The only wiring of connections: what it runs and what it serves."""

from fastapi import FastAPI

from services.connections.acceptance.http import router as acceptance
from services.connections.accounts.http import router as accounts
from services.connections.accounts.tokens import TokenIssuer
from services.connections.audit.http import router as audit
from services.connections.blocks.http import router as blocks
from services.connections.brands.http import router as brands
from services.connections.connection import sealing
from services.connections.connection.http import router as connections
from services.connections.connection.http_history import router as connection_history
from services.connections.connection.http_list import router as connection_list
from services.connections.connection.http_webhook import router as webhook
from services.connections.continuing import handlers as continuing_handlers
from services.connections.continuing.continuing import Continuing
from services.connections.dependencies import Dependencies
from services.connections.erasure.http import router as erasure
from services.connections.expiry import sweep
from services.connections.invitations.http import router as invitations
from services.connections.machines.http import router as machines
from services.connections.mail.outgoing import Outgoing
from services.connections.mail.wiring import mail_sender
from services.connections.notices import handlers as notices_handlers
from services.connections.notices.http import router as notices
from services.connections.notices.mailer import Mailer
from services.connections.oauth.http import router as oauth
from services.connections.order_rules.http import router as order_rules
from services.connections.people.guessing import Guessing
from services.connections.people.http import router as people
from services.connections.people.http_colleagues import router as colleagues
from services.connections.people.mailed_links import MailedLinks
from services.connections.people.passwords import Passwords
from services.connections.proofs.http import router as proofs
from services.connections.proofs.looking import Looker
from services.connections.sessions.http import router as sessions
from services.connections.settings import Settings
from services.connections.signing_keys import turns
from services.connections.signing_keys.http import router as signing_keys
from services.connections.signing_keys.keyring import Keyring
from services.connections.stores.http import router as stores
from shared.egress.guard import Guard
from shared.egress.plain_urls import seal_all
from shared.egress.resolver import GuardedResolver
from shared.egress.url_check import UrlCheck
from shared.opening import Step
from shared.runtime import Runtime
from shared.sealing import Sealer
from shared.web.idempotency import IdempotencyKeys


def create_app(settings: Settings) -> FastAPI:
    """The connections service."""
    runtime = Runtime(settings, "connections")
    sealer = Sealer.parse(settings.sealing_keys.get_secret_value())
    passwords = Passwords()
    runtime.on_stop(passwords.close)
    mails = mail_sender(settings, runtime.database, sealer)
    # Before it the database may be an older one than the log.
    opened = [runtime.opening.wait]
    runtime.background("mail", mails.run, opened)
    runtime.on_stop(lambda: mails.stop(runtime.stop_seconds() * 0.9))
    outgoing = Outgoing(sealer)
    links = MailedLinks(settings.connections_console_url.rstrip("/"))
    mailer = Mailer(
        runtime.database, outgoing, links.page("notices"), settings.connections_mail_poll_seconds
    )
    notices_handlers.subscribe(
        runtime.kafka.router, runtime.database, mailer, outgoing, sealer, opened
    )
    runtime.background("notices", mailer.run, opened)
    runtime.background(
        "expiry", lambda: sweep.run(runtime.database, settings.connections_sweep_seconds), opened
    )
    keyring = Keyring(
        settings.connections_signing_key.get_secret_value(),
        settings.auth_jwks,
        runtime.database,
        sealer,
    )
    continuing = Continuing(runtime.database, keyring, sealer)
    continuing_handlers.subscribe(runtime.kafka.router, continuing)
    runtime.opening.add(Step(continuing.run, continuing.missing))
    runtime.background("signing keys", lambda: turns.run(runtime.database, keyring), opened)
    runtime.on_keys(lambda: turns.seen(runtime.database, keyring, runtime.verifier.kids))
    guard = Guard(settings.webhooks_allowed_networks, allow_http=settings.webhooks_allow_http)
    url_check = UrlCheck(guard, GuardedResolver(guard))
    runtime.on_stop(url_check.close)
    looker = Looker(guard)
    runtime.on_start(looker.open)
    runtime.on_stop(looker.close)
    runtime.background(
        "plain urls",
        lambda: seal_all(lambda: sealing.seal_batch(runtime.database, sealer)),
        opened,
    )
    app = runtime.app(
        "Relevo connections",
        "Accounts, brands, stores, connections and their settings.",
    )
    app.state.operator_key = settings.connections_operator_key
    app.state.dependencies = Dependencies(
        settings=settings,
        database=runtime.database,
        sealer=sealer,
        keyring=keyring,
        issuer=TokenIssuer(keyring, settings.auth_issuer, settings.connections_token_seconds),
        passwords=passwords,
        guessing=Guessing(runtime.database, settings.connections_attempts_of_network),
        outgoing=outgoing,
        links=links,
        idempotency_keys=IdempotencyKeys(runtime.database, sealer),
        url_check=url_check,
        looker=looker,
        verifier=app.state.verifier,
        revocations=runtime.revocations,
    )
    for router in (
        oauth,
        machines,
        accounts,
        erasure,
        signing_keys,
        people,
        colleagues,
        sessions,
        brands,
        acceptance,
        invitations,
        stores,
        proofs,
        blocks,
        connection_list,
        connections,
        webhook,
        connection_history,
        order_rules,
        audit,
        notices,
    ):
        app.include_router(router)
    return app
