"""The secrets of an installation, made once."""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services import catalog

_ONLY_MINE = 0o600


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _password_name(service: str) -> str:
    return f"POSTGRES_{service.upper()}_PASSWORD"


def password_names() -> list[str]:
    """The names of the services' own passwords."""
    return [_password_name(name) for name in catalog.NAMES]


def _passwords() -> dict[str, str]:
    return {_password_name(name): secrets.token_urlsafe(24) for name in catalog.NAMES}


def generate() -> dict[str, str]:
    """New secrets, by the environment variable that carries each.

    The signing key is an Ed25519 JWK (RFC 8037) for `connections` alone; the others verify by the
    public half in `RELEVO_AUTH_JWKS`.
    """
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw
    )
    private = key.private_bytes_raw()
    jwk = {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "x": _b64(public)}
    jwk["kid"] = _b64(secrets.token_bytes(6))
    return {
        "POSTGRES_PASSWORD": secrets.token_urlsafe(24),
        **_passwords(),
        "RELEVO_SEALING_KEYS": f"{_b64(secrets.token_bytes(6))}:{_b64(secrets.token_bytes(32))}",
        "RELEVO_AUTH_JWKS": json.dumps({"keys": [jwk]}, separators=(",", ":")),
        "RELEVO_CONNECTIONS_SIGNING_KEY": json.dumps(
            {**jwk, "d": _b64(private)}, separators=(",", ":")
        ),
        "RELEVO_CONNECTIONS_OPERATOR_KEY": secrets.token_urlsafe(32),
    }


def missing(values: Mapping[str, str]) -> list[str]:
    """The names of keys that services need and that are not there."""
    return [name for name in generate() if name.startswith("RELEVO_") and not values.get(name)]


def of(service: str, values: Mapping[str, str]) -> dict[str, str]:
    """What one service gets: the shared keys, and those that carry its name."""
    shared = ("RELEVO_SEALING_KEYS", "RELEVO_AUTH_JWKS")
    own = f"RELEVO_{service.upper()}_"
    return {k: v for k, v in values.items() if k in shared or k.startswith(own)}


def passwords(values: Mapping[str, str]) -> dict[str, str]:
    """What services log in to Postgres with, by service; those that there are."""
    found = {name: values.get(_password_name(name), "") for name in catalog.NAMES}
    return {name: password for name, password in found.items() if password}


def write(path: Path, values: dict[str, str]) -> None:
    """An env file that only its owner can read; for shells, `docker compose` and `read`.

    Raises:
        FileExistsError: secrets are never overwritten.
        OSError: it cannot be written; nothing is left of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _ONLY_MINE)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.writelines(_lines(values))
    except OSError:  # a full disk: half of them are none
        path.unlink()
        raise


def add_passwords(path: Path) -> list[str]:
    """Add to a file of before the services' own passwords those that it lacks; their names.

    Nothing else is ever added: a key that is not there may be kept somewhere else.
    """
    kept = path.read_text()
    known = read(path)
    new = {name: value for name, value in _passwords().items() if name not in known}
    with path.open("a") as file:
        file.write(("" if kept.endswith("\n") or not kept else "\n") + "".join(_lines(new)))
    return list(new)


def _lines(values: Mapping[str, str]) -> list[str]:
    # Quoted, a shell and compose take the JSON of a key as it stands.
    return [f"{name}='{value}'\n" for name, value in values.items()]


def read(path: Path) -> dict[str, str]:
    """The values of an env file that `write` made."""
    lines = path.read_text().splitlines()
    pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return {name: value.strip("'") for name, value in pairs}
