"""What an account's plan allows."""

import pytest

from services.connections.accounts import plans
from shared.failures import Refused


def test_only_conquer_holds_connections() -> None:
    plans.require_connections("conquer")
    with pytest.raises(Refused, match="plan_required"):
        plans.require_connections("free")
