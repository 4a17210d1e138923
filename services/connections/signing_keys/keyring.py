"""The keys of one process: what it signs with, and what it publishes."""

from collections.abc import Sequence
from datetime import UTC, datetime

import jwt
import orjson

from services.connections.signing_keys import models, store
from services.connections.signing_keys.models import SigningKey
from shared.postgres.database import Database
from shared.sealing import Sealer
from shared.web import key_sets
from shared.web.key_sets import Jwk, KeySet


def context_of(kid: str) -> str:
    """What a private key is sealed as."""
    return f"signing-key:{kid}"


class Keyring:
    """Signs with the key whose turn it is, as the schema says; the settings' own before any.

    Args:
        own_key: the private JWK (RFC 8037) in the settings, as JSON, with a `kid`.
        own_jwks: the public keys in the settings.
        database: has the other keys.
        sealer: of their private halves.

    Raises:
        ValueError: the key is no private Ed25519 key, or `own_jwks` does not have its `kid`.
    """

    def __init__(self, own_key: str, own_jwks: str, database: Database, sealer: Sealer) -> None:
        self.own: Jwk = orjson.loads(own_key)
        if not {"kty", "d", "kid"} <= self.own.keys():
            raise ValueError("RELEVO_CONNECTIONS_SIGNING_KEY: not a private JWK with a kid")
        self._own_public = key_sets.public_keys(own_jwks)
        if self.own["kid"] not in {key["kid"] for key in self._own_public}:
            raise ValueError(
                f"RELEVO_AUTH_JWKS has no key {self.own['kid']!r}: nobody could verify our tokens"
            )
        self._database = database
        self._sealer = sealer
        self._keys: Sequence[SigningKey] = ()
        self._private = {str(self.own["kid"]): jwt.PyJWK(self.own, algorithm="EdDSA")}

    def signing_key(self) -> jwt.PyJWK:
        """The private key that counts now."""
        ours = [key for key in self._keys if key.kid in self._private]
        key = models.signing(ours, datetime.now(UTC))
        return self._private[key.kid if key else str(self.own["kid"])]

    def jwks(self) -> dict[str, list[Jwk]]:
        """The key set to publish (RFC 7517): what verifies now, and what will."""
        return {"keys": [key.public() for key in self._keys] or list(self._own_public)}

    def read(self, signed: str) -> KeySet:
        """The key set of an announcement.

        Raises:
            ValueError: none of our own keys has signed it.
        """
        return key_sets.verify(signed, key_sets.by_kid(self._own_public))

    async def refresh(self) -> None:
        """Read the keys again.

        Raises:
            Exception: Postgres is away; what was known stays.
        """
        async with self._database.session() as session:
            keys = await store.list_keys(session)
        for key in keys:
            if key.kid not in self._private and key.sealed_key is not None:
                opened = self._sealer.open(key.sealed_key, context_of(key.kid))
                self._private[key.kid] = jwt.PyJWK(orjson.loads(opened), algorithm="EdDSA")
        self._keys = keys
        for kid in self._private.keys() - {key.kid for key in keys} - {str(self.own["kid"])}:
            del self._private[kid]
