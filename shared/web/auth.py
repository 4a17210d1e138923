"""Who is asking: access tokens (RFC 9068 style JWT, EdDSA), verified offline.

`connections` issues them; every service verifies with public keys that it knows, those in its
settings or those that it heard of since, so no request waits for another service.
"""

from dataclasses import dataclass
from typing import Any, Literal, cast, get_args
from uuid import UUID

import jwt

from shared.contracts.accounts_changed import AccountKind, Role
from shared.contracts.signing_keys_changed import SigningKeysChanged
from shared.failures import Permanent, Refused
from shared.web import key_sets
from shared.web.mistakes import no_token

AUDIENCE = "relevo"
_ROLES = get_args(Role)


Scope = Literal[
    "orders:read",
    "orders:write",
    "connections:read",
    "connections:write",
    "webhooks:read",
    "webhooks:write",
    "quarantine:read",
    "quarantine:write",
    "fulfilment:read",
    "fulfilment:write",
]


@dataclass(frozen=True, slots=True)
class Delegation:
    """What a 3PL acts in its brand's account by; it ends with the epoch of the connection.

    `version` is that of the connection when the token was issued. `may_set_keys`: whether the brand
    lets it make and revoke credentials of the store.
    """

    connection_id: UUID
    version: int
    epoch: int
    store_id: UUID
    may_set_keys: bool

    def claims(self) -> dict[str, Any]:
        """As a token carries them."""
        return {
            "connection": str(self.connection_id),
            "connection_ver": self.version,
            "epoch": self.epoch,
            "store": str(self.store_id),
            "keys": self.may_set_keys,
        }

    @classmethod
    def of(cls, claims: dict[str, Any]) -> "Delegation":
        """What the claims of a token say.

        Raises:
            KeyError, ValueError, TypeError: they are no delegation.
        """
        return cls(
            UUID(claims["connection"]),
            int(claims["connection_ver"]),
            int(claims["epoch"]),
            UUID(claims["store"]),
            claims["keys"] is True,
        )


@dataclass(frozen=True, slots=True)
class Principal:
    """The account a request acts in.

    `subject` is the person or machine client, and `role` what it may do; `actor` the account that
    acts on behalf of `account_id` (RFC 8693 `act`) by a `delegation`, None when it acts for itself.
    `version` is that of the account (of the actor's, if there is one) when the token was issued,
    `session` what it was issued for. `scopes` are a machine's; a person has none and needs none.
    """

    account_id: UUID
    kind: AccountKind
    subject: str
    role: Role = "owner"
    version: int = 0
    session: UUID | None = None
    actor: UUID | None = None
    scopes: frozenset[str] | None = None
    delegation: Delegation | None = None

    @property
    def own_account(self) -> UUID:
        """The account that its holder is of."""
        return self.actor or self.account_id

    @property
    def may_write(self) -> bool:
        """Whether it may change anything."""
        return self.role != "viewer"


class Verifier:
    """Verifies access tokens by key id.

    Args:
        jwks: a JSON Web Key Set (RFC 7517) with Ed25519 public keys, the installation's own: they
            count until keys are announced, and vouch for those.
        issuer: the expected `iss`.
    """

    def __init__(self, jwks: str, issuer: str) -> None:
        self._own = key_sets.by_kid(key_sets.public_keys(jwks))
        self._keys = self._own
        self._version = 0
        self._issuer = issuer

    def learn(self, change: SigningKeysChanged) -> None:
        """Verify by these keys alone from now on; an older announcement changes nothing.

        Raises:
            Permanent: the installation's own key has not signed it.
        """
        try:
            announced = key_sets.verify(change.signed_jwks, self._own)
        except ValueError as error:
            raise Permanent(str(error)) from error
        if announced.version > self._version:
            self._keys, self._version = key_sets.by_kid(announced.keys), announced.version

    @property
    def kids(self) -> frozenset[str]:
        """The ids of the keys that count."""
        return frozenset(self._keys)

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
            act, session = claims.get("act"), claims.get("sid")
            if claims["role"] not in _ROLES:
                raise ValueError("a role that nobody has")  # noqa: TRY301  as every other flaw
            scope = claims.get("scope")
            return Principal(
                account_id=UUID(claims["account"]),
                kind=claims["kind"],
                subject=claims["sub"],
                role=cast("Role", claims["role"]),
                version=int(claims["ver"]),
                session=UUID(session) if session else None,
                actor=UUID(act["account"]) if act else None,
                scopes=frozenset(scope.split()) if scope is not None else None,
                delegation=Delegation.of(claims) if act else None,
            )
        except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError) as error:
            raise Refused("invalid_token", seen=_why(token, error)) from error


def _why(token: str, error: Exception) -> str:
    """Why a token does not count, for its holder."""
    match error:
        case jwt.ExpiredSignatureError():
            return "it has expired"
        case jwt.ImmatureSignatureError():
            return "it was issued in the future: a clock is wrong, here or there"
        case jwt.InvalidSignatureError():
            return "its signature is wrong"
        case jwt.DecodeError():
            return no_token(token)
    return "it is none of this installation, or of a time before its keys"
