"""The turns of the keys, and the key that the settings have."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from relevo.operate import secrets
from services.connections.signing_keys import models
from services.connections.signing_keys.keyring import Keyring
from services.connections.signing_keys.models import SigningKey
from shared.postgres.database import Database
from shared.sealing import Sealer
from shared.settings import Settings

NOW = datetime(2026, 5, 1, 6, tzinfo=UTC)
KEYS = secrets.generate()


def key(name: str, made: int, signs: int | None = None) -> SigningKey:
    """A key made and signing so many minutes from now."""
    at = None if signs is None else NOW + timedelta(minutes=signs)
    return SigningKey(name, "x", "sealed", NOW + timedelta(minutes=made), at)


@pytest.mark.parametrize(
    ("keys", "signs", "waits"),
    [
        ([], None, None),
        ([key("first", -9, -9)], "first", None),
        ([key("first", -9, -9), key("announced", -1)], "first", "announced"),
        ([key("first", -9, -9), key("seen", -1, 1)], "first", "seen"),
        ([key("first", -9, -9), key("second", -2, 0)], "second", None),
        ([key("second", -2, -1), key("first", -9, -9), key("third", -1, 5)], "second", "third"),
        ([key("alone", -1)], None, "alone"),
    ],
)
def test_the_newest_key_whose_time_has_come_signs(
    keys: list[SigningKey], signs: str | None, waits: str | None
) -> None:
    signing, waiting = models.signing(keys, NOW), models.waiting(keys, NOW)
    assert (signing and signing.kid, waiting and waiting.kid) == (signs, waits)


def keyring(own_key: str, own_jwks: str) -> Keyring:
    sealing = KEYS["RELEVO_SEALING_KEYS"]
    settings = Settings(
        port=1, postgres_dsn="postgresql://nowhere", kafka="nowhere", auth_jwks=own_jwks,
        sealing_keys=sealing,
    )  # fmt: skip
    return Keyring(own_key, own_jwks, Database(settings, "connections"), Sealer.parse(sealing))


def test_a_signing_key_that_nobody_could_verify_stops_the_start() -> None:
    other = secrets.generate()
    with pytest.raises(ValueError, match="RELEVO_AUTH_JWKS has no key"):
        keyring(KEYS["RELEVO_CONNECTIONS_SIGNING_KEY"], other["RELEVO_AUTH_JWKS"])
    public = json.loads(KEYS["RELEVO_AUTH_JWKS"])["keys"][0]
    with pytest.raises(ValueError, match="not a private JWK"):
        keyring(json.dumps(public), KEYS["RELEVO_AUTH_JWKS"])


def test_published_keys_are_public_even_when_the_setting_holds_a_private_one() -> None:
    own = KEYS["RELEVO_CONNECTIONS_SIGNING_KEY"]
    ring = keyring(own, json.dumps({"keys": [json.loads(own)]}))
    (published,) = ring.jwks()["keys"]
    assert set(published) == {"kty", "crv", "x", "kid", "use", "alg"}
    assert ring.signing_key().key_id == published["kid"]
