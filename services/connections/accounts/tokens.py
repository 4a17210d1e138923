"""Secrets that we hand out: access tokens, login links, API keys, signing secrets."""

import base64
import hashlib
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import jwt
from uuid_utils.compat import uuid7

from shared.contracts.accounts_changed import AccountKind, Role
from shared.web.auth import AUDIENCE, Delegation

_LINK_BYTES = 32
_KEY_BYTES = 32
_CHALLENGE_BYTES = 16
_SIGNING_BYTES = 32


class Signs(Protocol):
    """The part of the keyring that tokens need."""

    def signing_key(self) -> jwt.PyJWK:
        """The private key that counts now."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token lets its holder do: a person or a machine in an account.

    `version` is that of the account (of the actor's, if there is one), whose later changes may end
    the token. `session_id` is a person's, `scopes` are a machine's. `delegation` lets an actor act
    in the account of another.
    """

    subject: UUID
    account_id: UUID
    kind: AccountKind
    role: Role
    version: int
    session_id: UUID | None = None
    scopes: Sequence[str] | None = None
    actor: UUID | None = None
    delegation: Delegation | None = None

    def claims(self) -> dict[str, Any]:
        """As a token carries them (RFC 9068, RFC 8693)."""
        claims: dict[str, Any] = {
            "sub": str(self.subject),
            "account": str(self.account_id),
            "kind": self.kind,
            "role": self.role,
            "ver": self.version,
        }
        if self.session_id is not None:
            claims["sid"] = str(self.session_id)
        if self.scopes is not None:
            claims |= {"client_id": str(self.subject), "scope": " ".join(self.scopes)}
        if self.actor is not None:
            claims["act"] = {"sub": str(self.subject), "account": str(self.actor)}
        if self.delegation is not None:
            claims |= self.delegation.claims()
        return claims


class TokenIssuer:
    """Signs access tokens (RFC 9068) with Ed25519.

    Args:
        keyring: has the key to sign with.
        issuer: the `iss` of every token.
        seconds: how long a token is good.
    """

    def __init__(self, keyring: Signs, issuer: str, seconds: int) -> None:
        self._keyring = keyring
        self._issuer = issuer
        self.seconds = seconds

    def issue(self, grant: Grant) -> str:
        """An access token."""
        now = int(time.time())
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            **grant.claims(),
            "iat": now,
            "exp": now + self.seconds,
            "jti": str(uuid7()),
        }
        key = self._keyring.signing_key()
        headers = {"kid": str(key.key_id), "typ": "at+jwt"}
        return jwt.encode(claims, key.key, algorithm="EdDSA", headers=headers)


def digest(secret: str) -> str:
    """The hex SHA-256 that a random secret is stored by (a password is stored otherwise)."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_link_token() -> str:
    """The random part of a login link."""
    return secrets.token_urlsafe(_LINK_BYTES)


def new_refresh_token() -> str:
    """What a session asks for its next access token with."""
    return "rrt_" + secrets.token_urlsafe(_LINK_BYTES)


def new_client_secret() -> str:
    """What a machine shows the token endpoint."""
    return "rcs_" + secrets.token_urlsafe(_KEY_BYTES)


def new_challenge() -> str:
    """What a domain has to show; it goes into DNS, HTML and files as it is."""
    return secrets.token_hex(_CHALLENGE_BYTES)


def new_api_key() -> str:
    """A store's API key."""
    return "rsk_" + secrets.token_urlsafe(_KEY_BYTES)


def new_signing_secret() -> str:
    """A webhook signing secret (Standard Webhooks 1.0: `whsec_` and 24 to 64 bytes, base64)."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SIGNING_BYTES)).decode()
