"""Who has to act next on a connection."""

import pytest

from services.connections.accounts.plans import Plan
from services.connections.connection.waiting import Step, next_step
from shared.contracts.connections_changed import ConnectionState


@pytest.mark.parametrize(
    ("state", "link_is_usable", "plan", "has_webhook", "expected"),
    [
        ("pending", True, "conquer", False, Step("brand", "accept")),
        ("pending", True, "free", False, Step("brand", "accept")),
        ("pending", False, "conquer", True, Step("three_pl", "issue_link")),
        ("inactive", False, "conquer", True, Step(None, "activate")),
        ("inactive", False, "conquer", False, Step("three_pl", "set_webhook")),
        ("inactive", False, "free", True, Step("three_pl", "plan_required")),
        ("active", False, "free", False, None),
        ("disconnected", True, "conquer", True, None),
        ("expired", True, "conquer", True, None),
    ],
)
def test_each_state_waits_for_somebody_or_nobody(
    state: str, *, link_is_usable: bool, plan: Plan, has_webhook: bool, expected: Step | None
) -> None:
    found = next_step(
        ConnectionState(state),
        link_is_usable=link_is_usable,
        plan=plan,
        has_webhook=has_webhook,
    )
    assert found == expected
