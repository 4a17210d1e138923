"""Which login links still show what they are about."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from services.connections.brands import login_links
from services.connections.brands.models import LoginLink
from shared.contracts.connections_changed import ConnectionState
from shared.failures import Refused

FRESH = LoginLink(
    connection_id=uuid4(),
    state=ConnectionState.PENDING,
    expires_at=datetime(2026, 5, 1, tzinfo=UTC),
    is_over=False,
)


def test_it_shows_while_its_connection_waits() -> None:
    assert login_links.require_usable(FRESH) is FRESH


@pytest.mark.parametrize("state", sorted(set(ConnectionState) - {ConnectionState.PENDING}))
def test_it_ends_with_the_wait(state: ConnectionState) -> None:
    with pytest.raises(Refused, match="login_link_expired"):
        login_links.require_usable(replace(FRESH, state=state))


def test_it_ends_with_its_time() -> None:
    with pytest.raises(Refused, match="login_link_expired"):
        login_links.require_usable(replace(FRESH, is_over=True))


def test_a_token_that_nobody_issued_is_not_found() -> None:
    with pytest.raises(Refused, match="not_found"):
        login_links.require_usable(None)
