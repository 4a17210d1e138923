"""What the token endpoint says no with (RFC 6749, 5.2; RFC 8693, 2.2.2). Pure."""

from typing import Literal

ErrorCode = Literal[
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_target",
]


class OAuthError(Exception):
    """A request for a token that is refused; `str()` says why, to the client."""

    def __init__(self, code: ErrorCode, description: str) -> None:
        super().__init__(description)
        self.code = code
