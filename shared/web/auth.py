"""Who is asking: access tokens (RFC 9068 style JWT, EdDSA), verified offline.

`connections` issues them; every service verifies with the public keys in its settings, so no
request waits for another service.
"""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import jwt
import orjson

from shared.failures import Refused

AccountKind = Literal["brand", "three_pl"]
AUDIENCE = "relevo"


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
            Refused: `invalid_token`.
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
            raise Refused("invalid_token") from error
