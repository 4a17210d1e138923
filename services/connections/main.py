"""The only wiring of connections: what it runs and what it serves."""

from fastapi import FastAPI

from services.connections import http_accounts, http_brands, http_connections
from services.connections.dependencies import Parts
from services.connections.passwords import Passwords
from services.connections.settings import Settings
from services.connections.tokens import TokenIssuer
from shared.runtime import Runtime
from shared.sealing import Sealer
from shared.web.idempotency import IdempotencyKeys


def create_app(settings: Settings) -> FastAPI:
    """The connections service."""
    runtime = Runtime(settings, "connections")
    sealer = Sealer.parse(settings.sealing_keys.get_secret_value())
    passwords = Passwords()
    runtime.on_stop(passwords.close)
    app = runtime.app(
        "Relevo connections",
        "Accounts, brands, stores, connections and their settings.",
    )
    app.state.parts = Parts(
        settings=settings,
        database=runtime.database,
        sealer=sealer,
        issuer=TokenIssuer(
            settings.connections_signing_key.get_secret_value(),
            settings.auth_jwks,
            settings.auth_issuer,
            settings.connections_token_seconds,
        ),
        passwords=passwords,
        once=IdempotencyKeys(runtime.database, sealer),
    )
    for router in (http_accounts.router, http_brands.router, http_connections.router):
        app.include_router(router)
    return app
