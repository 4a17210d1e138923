"""Which key sets a verifier believes."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import jwt
import pytest

from relevo.operate import secrets
from services.connections.accounts.tokens import Grant, TokenIssuer
from shared.contracts.signing_keys_changed import SigningKeysChanged
from shared.failures import Permanent, Refused
from shared.web import key_sets
from shared.web.auth import Verifier
from shared.web.key_sets import Jwk, KeySet


class Key:
    """A key pair, and what it signs."""

    def __init__(self) -> None:
        made = secrets.generate()
        self.private: Jwk = json.loads(made["RELEVO_CONNECTIONS_SIGNING_KEY"])
        self.jwks = made["RELEVO_AUTH_JWKS"]

    def signing_key(self) -> jwt.PyJWK:
        return jwt.PyJWK(self.private, algorithm="EdDSA")

    def token(self) -> str:
        grant = Grant(uuid4(), uuid4(), "brand", "owner", 1, uuid4())
        return TokenIssuer(self, "relevo", 600).issue(grant)

    def announces(self, version: int, *keys: "Key") -> SigningKeysChanged:
        """A key set that this key has signed."""
        public = tuple(key_sets.public_half(key.private) for key in keys)
        signed = key_sets.sign(KeySet(version, public), self.private)
        return SigningKeysChanged(signed_jwks=signed, changed_at=datetime.now(UTC))


OWN, NEXT, LATER, STRANGER = Key(), Key(), Key(), Key()


def believes(verifier: Verifier, key: Key) -> bool:
    try:
        verifier.verify(key.token())
    except Refused:
        return False
    return True


def test_announced_keys_count_alone_and_the_newest_announcement_counts() -> None:
    verifier = Verifier(OWN.jwks, "relevo")
    assert believes(verifier, OWN)
    assert not believes(verifier, NEXT)
    verifier.learn(OWN.announces(1, OWN, NEXT))
    assert believes(verifier, OWN)
    assert believes(verifier, NEXT)
    verifier.learn(OWN.announces(3, LATER))
    verifier.learn(OWN.announces(2, OWN, NEXT))
    assert [believes(verifier, key) for key in (OWN, NEXT, LATER)] == [False, False, True]
    # The settings' key signs no token any more, and still vouches.
    verifier.learn(OWN.announces(4, NEXT))
    assert believes(verifier, NEXT)


def test_what_the_installation_has_not_signed_changes_nothing() -> None:
    verifier = Verifier(OWN.jwks, "relevo")
    verifier.learn(OWN.announces(1, OWN, NEXT))
    good = OWN.announces(9, OWN)
    head, body, signature = good.signed_jwks.split(".")
    other = STRANGER.announces(9, STRANGER).signed_jwks.split(".")[1]
    for signed in (
        STRANGER.announces(9, STRANGER).signed_jwks,
        # A key that signs tokens does not vouch for keys.
        NEXT.announces(9, NEXT).signed_jwks,
        OWN.token(),
        f"{head}.{other}.{signature}",
        f"{head}.{body}.",
        "",
        "x",
    ):
        with pytest.raises(Permanent, match="key set"):
            verifier.learn(SigningKeysChanged(signed_jwks=signed, changed_at=good.changed_at))
    assert verifier.kids == {OWN.private["kid"], NEXT.private["kid"]}


def test_a_signed_key_set_is_no_token() -> None:
    with pytest.raises(Refused, match="invalid_token"):
        Verifier(OWN.jwks, "relevo").verify(OWN.announces(1, OWN).signed_jwks)
