"""The address that a carrier answers to: `tickets+<key>@<domain>`. Pure.

The key is random and of one ticket, and stands in its row: who has it was mailed it. A signature
would end with the key that signed it, and mails are answered months later; a row can also forget.
Base32 in small letters: mail servers may change the case of an address (RFC 5321, 2.4).
"""

import base64
import binascii

REPLY_KEY_BYTES = 20
_PREFIX = "tickets+"


def reply_address(key: bytes, domain: str) -> str:
    """Where answers go.

    >>> reply_address(b"ab", "mail.relevo.test")
    'tickets+mfra@mail.relevo.test'
    """
    return f"{_PREFIX}{base64.b32encode(key).decode().rstrip('=').lower()}@{domain}"


def reply_key(address: str, domain: str) -> bytes | None:
    """The key in an address; None: it is none of ours."""
    local, _, host = address.strip().lower().rpartition("@")
    if host != domain.lower() or not domain or not local.startswith(_PREFIX):
        return None
    text = local.removeprefix(_PREFIX).upper()
    try:
        key = base64.b32decode(text + "=" * (-len(text) % 8))
    except binascii.Error:
        return None
    return key if len(key) == REPLY_KEY_BYTES else None
