"""A key takes the place of another: announced, seen, signing, and the old one gone.

Each step is a row and a message in one transaction, and the next one waits for the sight of that
message on the topic: while Kafka is away, nothing signs that nobody could verify.
"""

import base64
import secrets
from collections.abc import Collection
from datetime import UTC, datetime

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.connections import messages
from services.connections.signing_keys import models, store
from services.connections.signing_keys.keyring import Keyring, context_of
from services.connections.signing_keys.models import SigningKey
from shared.failures import Refused
from shared.postgres import outbox
from shared.postgres.database import Database, Session
from shared.sealing import Sealer
from shared.web import key_sets
from shared.web.key_sets import Jwk, KeySet

_KID_BYTES = 6


async def rotate(
    database: Database, keyring: Keyring, sealer: Sealer, traceparent: str, *, retire_now: bool
) -> list[SigningKey]:
    """Announce a new key; the keys as they are then.

    Args:
        database: of the keys.
        keyring: has the key that signs until then.
        sealer: of the new key.
        traceparent: of the operator's request.
        retire_now: every other key is over at once, and with it every token that it signed: for a
            key that somebody else may have.

    Raises:
        Refused: `rotation_under_way`: a key is announced that does not sign yet.
    """
    async with database.transaction() as session:
        await store.lock_rotation(session)
        keys = await store.list_keys(session)
        late = models.waiting(keys, datetime.now(UTC))
        if late is not None and not retire_now:
            at = late.signs_from.isoformat() if late.signs_from else None
            raise Refused("rotation_under_way", signs_from=at)
        kid = await _add_key(session, keyring, sealer, is_first=not keys)
        if retire_now:
            await store.delete_others(session, kid)
        announced = await _announce(session, keyring, traceparent)
    await keyring.refresh()
    return announced


async def go_on_above(database: Database, keyring: Keyring, sealer: Sealer, told: KeySet) -> bool:
    """Announce above what the log says, if that is newer than the database; whether it was.

    A key that the log does not have was retired, and stays so. One that only the log has cannot
    sign any more: a new one takes its place.
    """
    async with database.transaction() as session:
        await store.lock_rotation(session)
        last = await store.last_version(session)
        if told.version <= last:
            return False
        kids = {str(key["kid"]) for key in told.keys}
        await store.delete_all_but(session, kids)
        keys = await store.list_keys(session)
        known = {key.kid for key in keys} | {str(keyring.own["kid"])}
        if not kids <= known and models.waiting(keys, datetime.now(UTC)) is None:
            await _add_key(session, keyring, sealer, is_first=not keys)
        # Last, for a sequence is not rolled back.
        await store.pass_versions(session, told.version - last)
        await _announce(session, keyring, None)
        return True


async def seen(database: Database, kids: Collection[str]) -> None:
    """The topic has these keys, so everybody can know them: one that waited may get its turn."""
    async with database.transaction() as session:
        await store.lock_rotation(session)
        signs_from = await store.begin_to_sign(session, kids)
        if signs_from is not None:
            await store.end_the_others(session, signs_from)


async def retire(database: Database, keyring: Keyring) -> int:
    """Forget the keys whose tokens are all over, and say so; how many."""
    async with database.transaction() as session:
        await store.lock_rotation(session)
        over = await store.delete_over(session)
        if over:
            await _announce(session, keyring, None)
        return over


async def announce_again(database: Database, keyring: Keyring) -> None:
    """Say once more what verifies: the topic may be new, or the key that vouches another."""
    async with database.transaction() as session:
        await store.lock_rotation(session)
        if await store.list_keys(session):
            await _announce(session, keyring, None)


async def _announce(
    session: Session, keyring: Keyring, traceparent: str | None
) -> list[SigningKey]:
    keys = await store.list_keys(session)
    version = await store.next_version(session)
    key_set = KeySet(version, tuple(key.public() for key in keys))
    signed = key_sets.sign(key_set, keyring.own)
    await outbox.write(session, [messages.signing_keys_changed(signed, traceparent)])
    return keys


async def _add_key(session: Session, keyring: Keyring, sealer: Sealer, *, is_first: bool) -> str:
    """The id of a new key, which does not sign yet; before the first one our own does."""
    if is_first:
        own = key_sets.public_half(keyring.own)
        await store.insert_key(session, own["kid"], own["x"], None, datetime.now(UTC))
    key = _new_key()
    sealed = sealer.seal(orjson.dumps(key).decode(), context_of(key["kid"]))
    await store.insert_key(session, key["kid"], key["x"], sealed)
    return str(key["kid"])


def _new_key() -> Jwk:
    key = Ed25519PrivateKey.generate()
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "kid": _encode(secrets.token_bytes(_KID_BYTES)),
        "x": _encode(key.public_key().public_bytes_raw()),
        "d": _encode(key.private_bytes_raw()),
    }


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
