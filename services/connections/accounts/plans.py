"""What each plan allows. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from shared.failures import Refused

Plan = Literal["free", "conquer"]


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an account may do.

    `holds_connections`: a 3PL adds brands and activates connections.
    """

    holds_connections: bool


ALLOWANCES: Mapping[Plan, Allowance] = {
    "free": Allowance(holds_connections=False),
    "conquer": Allowance(holds_connections=True),
}


def holds_connections(plan: Plan) -> bool:
    """Whether a 3PL on this plan adds brands and activates connections."""
    return ALLOWANCES[plan].holds_connections


def require_connections(plan: Plan) -> None:
    """Let a 3PL pass whose plan allows it to add brands and to activate connections.

    Raises:
        Refused: `plan_required`.
    """
    if not holds_connections(plan):
        raise Refused("plan_required")
