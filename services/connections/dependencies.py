"""What the endpoints need of their process, and who may call them: FastAPI dependencies."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, get_args

from fastapi import Depends, Request

from services.connections.accounts.tokens import TokenIssuer
from services.connections.callers import Caller
from services.connections.mail.outgoing import Outgoing
from services.connections.people.guessing import Guessing
from services.connections.people.mailed_links import MailedLinks
from services.connections.people.passwords import Passwords
from services.connections.proofs.looking import Looker
from services.connections.settings import Settings
from services.connections.signing_keys.keyring import Keyring
from shared.egress.url_check import UrlCheck
from shared.failures import Refused
from shared.postgres.database import Database
from shared.sealing import Sealer
from shared.telemetry import traceparent_of
from shared.web.access import Account
from shared.web.auth import Principal, Scope, Verifier
from shared.web.idempotency import IdempotencyKeys
from shared.web.revocations import Revocations


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The parts of one process of connections."""

    settings: Settings
    database: Database
    sealer: Sealer
    keyring: Keyring
    issuer: TokenIssuer
    passwords: Passwords
    guessing: Guessing
    outgoing: Outgoing
    links: MailedLinks
    idempotency_keys: IdempotencyKeys
    url_check: UrlCheck
    looker: Looker
    verifier: Verifier
    revocations: Revocations
    scopes: tuple[str, ...] = get_args(Scope)

    def verified(self, token: str) -> Principal:
        """Who holds an access token.

        Raises:
            Refused: `invalid_token`: none of ours, over or revoked.
        """
        principal = self.verifier.verify(token)
        if self.revocations.revokes(principal):
            raise Refused("invalid_token", seen="it was revoked, or its session is over")
        return principal

    @property
    def public_url(self) -> str:
        """What links to this service start with, without a slash at the end."""
        return self.settings.connections_public_url.rstrip("/")

    @property
    def link_lifetime(self) -> timedelta:
        """How long a login link is good."""
        return timedelta(hours=self.settings.connections_login_link_hours)


async def _dependencies(request: Request) -> Dependencies:
    found: Dependencies = request.app.state.dependencies
    return found


Process = Annotated[Dependencies, Depends(_dependencies)]


async def traced_caller(account: Account, request: Request) -> Caller:
    """The account that asks for a change, with the trace that the change is part of."""
    return caller_of(account, request)


def caller_of(principal: Principal, request: Request) -> Caller:
    """Who asks for a change, and who does so in its name."""
    return Caller(principal.account_id, principal.actor, traceparent_of(request.headers))


TracedCaller = Annotated[Caller, Depends(traced_caller)]
