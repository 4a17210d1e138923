"""Secrets at rest: AES-256-GCM with key ids, so that keys can be rotated.

A sealed text is `kid.nonce.ciphertext`, base64url without padding (NIST SP 800-38D; 96-bit random
nonce). The context (what the secret is of) is authenticated: a sealed secret that was copied to
another row does not open there.
"""

import base64
import hashlib
import hmac
import os
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.failures import Permanent

_NONCE_BYTES = 12
_KEY_BYTES = 32


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Sealer:
    """Seals with the first key, opens with any.

    Args:
        keys: key id → 32 bytes, the sealing key first.
    """

    def __init__(self, keys: dict[str, bytes]) -> None:
        for kid, key in keys.items():
            if len(key) != _KEY_BYTES:
                raise ValueError(f"RELEVO_SEALING_KEYS: key {kid!r} is not 32 bytes long")
        if not keys:
            raise ValueError("RELEVO_SEALING_KEYS: no key; `relevo secrets` makes one")
        self._ciphers = {kid: AESGCM(key) for kid, key in keys.items()}
        self._kid = next(iter(keys))
        self._digest_key = hashlib.sha256(b"digest " + keys[self._kid]).digest()

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `kid:base64url[,kid:base64url…]`.

        Raises:
            ValueError: the text is not of that form.
        """
        keys: dict[str, bytes] = {}
        for part in filter(None, (piece.strip() for piece in text.split(","))):
            kid, separator, encoded = part.partition(":")
            if not separator or not kid or "." in kid:
                raise ValueError("RELEVO_SEALING_KEYS: expected kid:base64url[,kid:base64url…]")
            keys[kid] = _decode(encoded)
        return cls(keys)

    def seal(self, secret: str, context: str) -> str:
        """The sealed text of `secret`, bound to `context`."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._kid].encrypt(nonce, secret.encode(), context.encode())
        return f"{self._kid}.{_encode(nonce)}.{_encode(sealed)}"

    def digest(self, secret: str, context: str) -> str:
        """The same text for the same secret and sealing key, and nothing to guess the secret by."""
        text = f"{context}\0{secret}".encode()
        return f"{self._kid}.{_encode(hmac.digest(self._digest_key, text, hashlib.sha256))}"

    def open(self, sealed: str, context: str) -> str:
        """The secret.

        Raises:
            Permanent: unknown key id, other context, or not a sealed text.
        """
        try:
            kid, nonce, ciphertext = sealed.split(".")
            cipher = self._ciphers[kid]
            return cipher.decrypt(_decode(nonce), _decode(ciphertext), context.encode()).decode()
        except (KeyError, ValueError, InvalidTag) as error:
            raise Permanent(f"a sealed secret of {context} does not open: key missing?") from error
