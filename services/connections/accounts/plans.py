"""What an account's plan allows. Pure."""

from typing import Literal, assert_never

from shared.failures import Refused

Plan = Literal["free", "conquer"]


def require_connections(plan: Plan) -> None:
    """Let a 3PL pass whose plan allows it to add brands and to activate connections.

    Raises:
        Refused: `plan_required`.
    """
    match plan:
        case "conquer":
            return
        case "free":
            raise Refused("plan_required")
        case _:
            assert_never(plan)
