"""Standard Webhooks 1.0 signatures: `v1,` + base64 of HMAC-SHA256 over `id.timestamp.body`.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

Pure.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence

_PREFIX = "whsec_"
_TOLERANCE_SECONDS = 300


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


def fits(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Whether one of the signatures is of this body, and was made within five minutes.

    Args:
        secret: `whsec_…`, of whoever should have signed; by an empty one nobody did.
        headers: of the request.
        body: as it came.
        now: seconds since 1970.
    """
    webhook_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not webhook_id or not (timestamp.isascii() and timestamp.isdigit()):
        return False
    if abs(int(timestamp) - now) > _TOLERANCE_SECONDS:
        return False
    try:
        wanted = signature([key_of(secret)], webhook_id, int(timestamp), body).encode()
    except ValueError:
        return False
    given = headers.get("webhook-signature", "").encode().split()
    return any(hmac.compare_digest(wanted, one) for one in given)
