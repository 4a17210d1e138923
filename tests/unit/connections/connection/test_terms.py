"""What one party lays on the other."""

import pytest

from services.connections.connection import terms
from shared.contracts.connections_changed import Party


@pytest.mark.parametrize(
    ("by", "after", "laid_on"),
    [
        ("three_pl", {"billing_owner": "brand"}, ["billing_owner"]),
        ("three_pl", {"billing_owner": "three_pl"}, []),
        ("brand", {"support_owner": "three_pl", "priority": 3}, ["support_owner"]),
        ("brand", {"webhook_url": None}, []),
        (
            "brand",
            {"shipping_rules_owner": "three_pl", "billing_owner": "three_pl"},
            ["shipping_rules_owner", "billing_owner"],
        ),
    ],
)
def test_what_the_other_has_to_pay_or_to_do_is_laid_on_it(
    by: Party, after: dict[str, object], laid_on: list[str]
) -> None:
    assert terms.imposed(by, after) == laid_on
