"""Whom a login link still lets in."""

from dataclasses import replace
from uuid import uuid4

import pytest

from services.connections.brands import login_links
from services.connections.brands.models import LoginLink
from shared.contracts.connections_changed import ConnectionState
from shared.failures import Refused

FRESH = LoginLink(
    connection_id=uuid4(),
    store_id=uuid4(),
    brand_id=uuid4(),
    state=ConnectionState.PENDING,
    password_hash=None,
    is_redeemed=False,
    is_over=False,
)


@pytest.mark.parametrize("state", list(ConnectionState))
def test_it_works_first_while_its_connection_waits_and_later_always(
    state: ConnectionState,
) -> None:
    redeemed = replace(FRESH, state=state, is_redeemed=True)
    assert login_links.require_usable(redeemed) is redeemed
    fresh = replace(FRESH, state=state)
    if state is ConnectionState.PENDING:
        assert login_links.require_usable(fresh) is fresh
    else:
        with pytest.raises(Refused, match="login_link_expired"):
            login_links.require_usable(fresh)


@pytest.mark.parametrize("is_redeemed", [True, False])
def test_once_it_is_over_it_lets_nobody_in(is_redeemed: bool) -> None:  # noqa: FBT001  a case
    with pytest.raises(Refused, match="login_link_expired"):
        login_links.require_usable(replace(FRESH, is_over=True, is_redeemed=is_redeemed))


def test_a_token_that_nobody_issued_is_not_found() -> None:
    with pytest.raises(Refused, match="not_found"):
        login_links.require_usable(None)
