"""Who asks about money: an account for itself, or the operator, whose account nobody logs in to."""

from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Request

from services.fulfilment.ledger.entries import OPERATOR
from shared.failures import Refused
from shared.web.idempotency import IdempotencyKeys
from shared.web.operator import AccountOrOperator


@dataclass(frozen=True, slots=True)
class Party:
    """An account that is charged or charges; `by` is the person or API client."""

    account_id: UUID
    kind: Literal["brand", "three_pl", "operator"]
    by: UUID

    def may_charge(self) -> None:
        """Let pass who has prices: the operator or a 3PL.

        Raises:
            Refused: `three_pl_only`.
        """
        if self.kind == "brand":
            raise Refused("three_pl_only")


async def _party(caller: AccountOrOperator) -> Party:
    if caller is None:
        return Party(OPERATOR, "operator", OPERATOR)
    return Party(caller.account_id, caller.kind, UUID(caller.subject))


async def _idempotency_keys(request: Request) -> IdempotencyKeys:
    keys: IdempotencyKeys = request.app.state.idempotency_keys
    return keys


Asking = Annotated[Party, Depends(_party)]
Once = Annotated[IdempotencyKeys, Depends(_idempotency_keys)]
