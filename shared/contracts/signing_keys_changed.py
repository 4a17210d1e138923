"""`signing-keys.changed`: connections says which keys access tokens verify by."""

from shared.contracts.fields import Timestamp, WireContract


class SigningKeysChanged(WireContract):
    """`signing-keys.changed`, key `signing-keys`, compacted: all keys that tokens verify by now.

    `signed_jwks` is a JWS (RFC 7515) of `{"version": …, "keys": […]}` with the public keys, signed
    by the installation's own key: whoever can write to the topic cannot make tokens by that.
    `version` grows with every change.
    """

    signed_jwks: str
    changed_at: Timestamp
