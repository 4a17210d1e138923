"""Standard Webhooks 1.0 signatures: `v1,` + base64 of HMAC-SHA256 over `id.timestamp.body`.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

Pure.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence

_PREFIX = "whsec_"


def key_of(secret: str) -> bytes:
    """The key in a `whsec_…` secret.

    Raises:
        ValueError: not base64 behind the prefix, or empty.
    """
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("a signing secret is not base64") from error
    if not key:
        raise ValueError("a signing secret is empty")
    return key


def signature(keys: Sequence[bytes], webhook_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` header: one signature per key, separated by spaces.

    Several keys sign while a secret is being rotated (specification, "Zero downtime secret
    rotation").
    """
    content = b"%s.%d.%s" % (webhook_id.encode(), timestamp, body)
    return " ".join(
        "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode() for key in keys
    )
