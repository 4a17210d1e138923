"""The operator of the installation: whoever shows its key instead of an account's token.

A service that lets the operator in sets `app.state.operator_key`; without one nobody is.
"""

import hmac
from typing import Annotated

from fastapi import Depends, Request
from pydantic import SecretStr

from shared.failures import Refused
from shared.web.access import AccountAccess, BearerAccess, OwnerAccess, bearer_token
from shared.web.auth import Principal


class OperatorAccess(BearerAccess):
    """The operator of the installation."""

    refusals = ("missing_token", "invalid_operator_key")

    async def __call__(self, request: Request) -> None:  # type: ignore[override]  # FastAPI reads the signature
        """Let the operator pass.

        Raises:
            Refused: `missing_token`, `invalid_operator_key` for everybody else.
        """
        if not _is_operator(request):
            raise Refused("invalid_operator_key")


class OwnerOrOperatorAccess(OwnerAccess):
    """A person who owns the account, or the operator of the installation."""

    async def __call__(self, request: Request) -> Principal | None:  # type: ignore[override]  # as above
        """The owner; None: the operator.

        Raises:
            Refused: `missing_token`, `invalid_token`, `role_required`, `delegated`.
        """
        return None if _is_operator(request) else await super().__call__(request)


class AccountOrOperatorAccess(AccountAccess):
    """The account whose access token came with the request, or the operator."""

    async def __call__(self, request: Request) -> Principal | None:  # type: ignore[override]  # as above
        """Who holds the token; None: the operator.

        Raises:
            Refused: as `AccountAccess`.
        """
        return None if _is_operator(request) else await super().__call__(request)


def _is_operator(request: Request) -> bool:
    key: SecretStr | None = request.app.state.operator_key
    shown = bearer_token(request).encode()
    return key is not None and hmac.compare_digest(shown, key.get_secret_value().encode())


operator = OperatorAccess("OperatorKey", "The key of the installation.")
owner_or_operator = OwnerOrOperatorAccess("HTTPBearer", "An access token of `POST /v1/sessions`.")
account_or_operator = AccountOrOperatorAccess(
    "HTTPBearer", "An access token of `POST /v1/sessions`."
)
Operator = Annotated[None, Depends(operator)]
OwnerOrOperator = Annotated[Principal | None, Depends(owner_or_operator)]
AccountOrOperator = Annotated[Principal | None, Depends(account_or_operator)]
