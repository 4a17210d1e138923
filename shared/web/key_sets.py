"""The keys that access tokens verify by, as one signed text. Pure.

The keys in the settings are the installation's own: they vouch for all others, so that what stands
on a topic cannot make tokens by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
import orjson

Jwk = dict[str, Any]
# Not that of an access token: neither is ever taken for the other.
_TYPE = "relevo-jwks+jwt"
_PUBLIC_MEMBERS = ("kty", "crv", "x", "kid")


@dataclass(frozen=True, slots=True)
class KeySet:
    """Public keys (RFC 8037), and the version of the whole."""

    version: int
    keys: tuple[Jwk, ...]


def public_keys(jwks: str) -> tuple[Jwk, ...]:
    """The keys of a JSON Web Key Set: public members alone, whatever the text holds."""
    return tuple(map(public_half, orjson.loads(jwks)["keys"]))


def public_half(key: Jwk) -> Jwk:
    """What may be shown of a key."""
    return {name: key[name] for name in _PUBLIC_MEMBERS} | {"use": "sig", "alg": "EdDSA"}


def by_kid(keys: Sequence[Jwk]) -> dict[str, jwt.PyJWK]:
    """The keys to verify with."""
    return {str(key["kid"]): jwt.PyJWK(key, algorithm="EdDSA") for key in keys}


def sign(key_set: KeySet, signing_key: Jwk) -> str:
    """The key set as a JWS (RFC 7515) of the installation's private key."""
    return jwt.encode(
        {"version": key_set.version, "keys": list(key_set.keys)},
        jwt.PyJWK(signing_key, algorithm="EdDSA").key,
        "EdDSA",
        {"kid": str(signing_key["kid"]), "typ": _TYPE},
    )


def verify(signed: str, keys: Mapping[str, jwt.PyJWK]) -> KeySet:
    """The key set that one of `keys` has signed.

    Raises:
        ValueError: none of them has, or it is no key set.
    """
    try:
        header = jwt.get_unverified_header(signed)
        if header.get("typ") != _TYPE:
            raise ValueError("not a signed key set")
        said = jwt.decode(signed, keys[header["kid"]], algorithms=["EdDSA"])
        return KeySet(int(said["version"]), tuple(map(public_half, said["keys"])))
    except KeyError as error:
        raise ValueError(f"a key set of an unknown key: {error}") from error
    except (jwt.PyJWTError, TypeError) as error:
        raise ValueError(f"not a signed key set: {error}") from error
