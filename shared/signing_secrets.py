"""New signing secrets (Standard Webhooks 1.0: `whsec_` and 24 to 64 bytes, base64)."""

import base64
import secrets

_KEY_BYTES = 32


def new_secret() -> str:
    """A secret that nobody has seen."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
