"""What accounts are called, for the operator."""

from collections.abc import Mapping

from services.console.api.asking import Asking
from services.console.api.lists import every
from shared.ids import OPERATOR_ACCOUNT


async def names_of_accounts(me: Asking) -> Mapping[str, str]:
    """By id: the newest thousand, and the operator's own.

    Raises:
        ApiProblem, ApiAway.
    """
    found = await every(me, "connections", "/v1/accounts")
    return {str(OPERATOR_ACCOUNT): "Relevo", **{one["id"]: one["name"] for one in found}}
