"""Who has to act next on a connection, and what is to be done. Pure."""

from dataclasses import dataclass
from typing import Literal, assert_never

from services.connections.accounts import plans
from services.connections.accounts.plans import Plan
from shared.contracts.connections_changed import ConnectionState, Party

Action = Literal["accept", "issue_link", "activate", "set_webhook", "plan_required"]


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done `by` a party; None: by either of them."""

    by: Party | None
    what: Action


def next_step(
    state: ConnectionState, *, link_is_usable: bool, plan: Plan, has_webhook: bool
) -> Step | None:
    """What the connection waits for; None when nobody has to do anything.

    Args:
        state: of the connection.
        link_is_usable: whether the brand has a link, shared or mailed, that is still good.
        plan: of the 3PL.
        has_webhook: whether the 3PL would hear of orders.
    """
    match state:
        case ConnectionState.PENDING:
            return Step("brand", "accept") if link_is_usable else Step("three_pl", "issue_link")
        case ConnectionState.INACTIVE:
            if not plans.holds_connections(plan):
                return Step("three_pl", "plan_required")
            return Step(None, "activate") if has_webhook else Step("three_pl", "set_webhook")
        case ConnectionState.ACTIVE | ConnectionState.DISCONNECTED | ConnectionState.EXPIRED:
            return None
        case _:
            assert_never(state)
