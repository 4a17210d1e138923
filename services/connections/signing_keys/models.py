"""The turns of the signing keys. Pure.

A new key is announced first and signs only later, when everybody knows it; an old one verifies for
as long as a token that it signed may live. So two are live for a while, and no token is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from shared.web.key_sets import Jwk
from shared.web.revocations import MOST_TOKEN_SECONDS

# From the sight of a new key on the topic until it signs: readers of the topic know it within a
# second, caches of the published key set within this time.
NOTICE = timedelta(seconds=60)
# How long a key verifies after another began to sign: the life of a token, and clocks that differ.
VERIFIES_ON = timedelta(seconds=MOST_TOKEN_SECONDS + 60)

KeyState = Literal["announced", "signing", "verifying"]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that tokens verify by.

    `sealed_key` is its private half, None for the key in the settings. `signs_from` is None until
    the key was seen on the topic, `verifies_until` until another key signs.
    """

    kid: str
    x: str
    sealed_key: str | None = field(repr=False)
    created_at: datetime
    signs_from: datetime | None = None
    verifies_until: datetime | None = None

    def public(self) -> Jwk:
        """Its public half (RFC 8037)."""
        return {
            "kty": "OKP", "crv": "Ed25519", "x": self.x, "kid": self.kid, "use": "sig",
            "alg": "EdDSA",
        }  # fmt: skip

    def is_ready(self, now: datetime) -> bool:
        """Whether its time to sign has come."""
        return self.signs_from is not None and self.signs_from <= now


def signing(keys: Sequence[SigningKey], now: datetime) -> SigningKey | None:
    """The key that signs now: the newest whose time has come, None while there is none."""
    ready = [key for key in keys if key.is_ready(now)]
    return max(ready, key=lambda key: key.created_at, default=None)


def waiting(keys: Sequence[SigningKey], now: datetime) -> SigningKey | None:
    """The key that is announced and does not sign yet."""
    return next((key for key in keys if not key.is_ready(now)), None)


def state_of(key: SigningKey, signing_now: SigningKey | None, now: datetime) -> KeyState:
    """Where a key is in its turn."""
    if key is signing_now:
        return "signing"
    return "verifying" if key.is_ready(now) else "announced"
