"""Who is asking: access tokens (RFC 9068 style JWT, EdDSA), verified offline.

`connections` issues them; every service verifies with the public keys in its settings, so no
request waits for another service.
"""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import jwt
import orjson
from fastapi import Request
from fastapi.security import HTTPBearer

from shared.problems import Problem

AccountKind = Literal["brand", "three_pl"]
AUDIENCE = "relevo"
_CHALLENGE = {"WWW-Authenticate": "Bearer"}

# Only for the OpenAPI document: it shows the lock and the field for a token.
bearer = HTTPBearer(auto_error=False, description="An access token of `POST /v1/sessions`.")


@dataclass(frozen=True, slots=True)
class Principal:
    """The account a request acts in.

    `subject` is the user or machine client; `actor` the account that acts on behalf of
    `account_id` (RFC 8693 `act`), None when it acts for itself.
    """

    account_id: UUID
    kind: AccountKind
    subject: str
    actor: UUID | None = None


class Verifier:
    """Verifies access tokens by key id.

    Args:
        jwks: a JSON Web Key Set (RFC 7517) with Ed25519 public keys.
        issuer: the expected `iss`.
    """

    def __init__(self, jwks: str, issuer: str) -> None:
        self._keys = {
            str(key["kid"]): jwt.PyJWK(key, algorithm="EdDSA") for key in orjson.loads(jwks)["keys"]
        }
        self._issuer = issuer

    def verify(self, token: str) -> Principal:
        """The principal of a valid token.

        Raises:
            Problem: 401 `invalid_token`.
        """
        try:
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                audience=AUDIENCE,
                issuer=self._issuer,
                options={"require": ["exp", "iat", "sub"]},
            )
            act = claims.get("act")
            return Principal(
                account_id=UUID(claims["account"]),
                kind=claims["kind"],
                subject=claims["sub"],
                actor=UUID(act["account"]) if act else None,
            )
        except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError) as error:
            raise Problem(
                401,
                "invalid_token",
                "The access token is missing a valid signature or has expired; log in again.",
                headers=_CHALLENGE,
            ) from error


def bearer_token(request: Request) -> str:
    """The token in `Authorization: Bearer …` (RFC 6750, 2.1).

    Raises:
        Problem: 401 `missing_token`.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Problem(
            401,
            "missing_token",
            "Send `Authorization: Bearer <access token>`; POST /v1/sessions gives one.",
            headers=_CHALLENGE,
        )
    return token.strip()


async def principal(request: Request) -> Principal:
    """FastAPI dependency: the verified principal of the request.

    Async as every dependency here, although it awaits nothing: FastAPI runs others in threads.
    """
    verifier: Verifier = request.app.state.verifier
    return verifier.verify(bearer_token(request))
