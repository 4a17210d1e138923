"""Shopify's signature: `X-Shopify-Hmac-Sha256`, base64 HMAC-SHA256 of the raw body. Pure.

The key is the app's client secret. While it is rotated two are valid.
https://shopify.dev/docs/apps/build/webhooks/subscribe/https
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence

HEADER = "x-shopify-hmac-sha256"


def is_valid(secrets: Sequence[bytes], body: bytes, signature: str) -> bool:
    """Whether the signature was made with one of the secrets; compared in constant time."""
    given = signature.encode("ascii", "replace")
    return any(
        hmac.compare_digest(base64.b64encode(hmac.digest(key, body, hashlib.sha256)), given)
        for key in secrets
    )
