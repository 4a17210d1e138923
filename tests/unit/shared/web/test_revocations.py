"""Whose tokens are over, as every process knows it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from shared.contracts.accounts_changed import AccountChanged, EndedSession, Member
from shared.contracts.connections_changed import ConnectionChanged
from shared.web.auth import Delegation, Principal
from shared.web.revocations import Revocations

ACCOUNT, PERSON, SESSION = uuid4(), uuid4(), uuid4()
NOW = datetime(2026, 5, 1, tzinfo=UTC)


def principal(version: int, person: UUID = PERSON, session: UUID = SESSION) -> Principal:
    return Principal(ACCOUNT, "brand", str(person), "owner", version, session)


def change(version: int, **fields: object) -> AccountChanged:
    member = Member(person_id=PERSON, role="viewer", valid_from=1)
    given = {
        "account_id": ACCOUNT, "kind": "brand", "plan": "free", "version": version,
        "people": (member,), "changed_at": NOW, **fields,
    }  # fmt: skip
    return AccountChanged.model_validate(given)


def known(*changes: AccountChanged, now: datetime = NOW) -> Revocations:
    revocations = Revocations()
    revocations.apply(changes, now)
    return revocations


def test_nobody_is_refused_of_whom_nothing_was_said() -> None:
    assert not known().revokes(principal(1))


def test_who_is_no_longer_among_the_people_is_refused_and_who_is_is_not() -> None:
    said = known(change(5))
    assert said.revokes(principal(4, uuid4()))
    assert not said.revokes(principal(4))


def test_a_token_of_before_the_rights_changed_is_over() -> None:
    said = known(change(5, people=(Member(person_id=PERSON, role="viewer", valid_from=4),)))
    assert said.revokes(principal(3))
    assert not said.revokes(principal(4))


def test_a_session_that_was_ended_is_over_and_others_are_not() -> None:
    said = known(change(5, ended_sessions=(EndedSession(session_id=SESSION, ended_at=NOW),)))
    assert said.revokes(principal(4))
    assert not said.revokes(principal(4, session=uuid4()))


def test_an_erased_account_is_nobodys() -> None:
    assert known(change(5, erased=True)).revokes(principal(5))


def test_a_token_that_is_newer_than_what_is_known_is_not_judged() -> None:
    assert not known(change(5)).revokes(principal(6, uuid4()))


@pytest.mark.parametrize("order", [(5, 6), (6, 5), (6, 5, 6)])
def test_messages_count_once_in_any_order(order: tuple[int, ...]) -> None:
    said = {5: change(5), 6: change(6, people=())}
    assert known(*(said[version] for version in order)).revokes(principal(5))


def test_only_what_may_matter_is_kept() -> None:
    revocations = known(change(5, people=()))
    later = NOW + timedelta(minutes=16)
    revocations.apply((), later)
    assert len(revocations) == 0
    revocations.apply([change(6, people=())], later)
    assert len(revocations) == 0


# --- in a brand's name --------------------------------------------------------------------------

CONNECTION, BRAND = uuid4(), uuid4()


def delegated(*, may_set_keys: bool = False) -> Principal:
    delegation = Delegation(CONNECTION, 4, 2, uuid4(), may_set_keys)
    return Principal(
        BRAND, "brand", str(PERSON), "operator", 4, SESSION, ACCOUNT, delegation=delegation
    )


def connection(version: int, **fields: object) -> ConnectionChanged:
    given = {
        "connection_id": CONNECTION, "store_id": uuid4(), "brand_id": BRAND,
        "three_pl_id": ACCOUNT, "state": "active", "version": version, "epoch": 2,
        "priority": 100, "settings": {"version": 1}, "delegation": "credentials",
        "changed_at": NOW, **fields,
    }  # fmt: skip
    return ConnectionChanged.model_validate(given)


@pytest.mark.parametrize(
    ("fields", "is_over"),
    [
        ({}, False),
        ({"epoch": 3}, True),
        ({"state": "disconnected"}, True),
        ({"delegation": "off"}, True),
        ({"delegation": "orders"}, False),
        ({"delegation_since": 4}, False),
        # Switched off and on again.
        ({"delegation_since": 5}, True),
    ],
)
def test_who_acts_in_a_brands_name_is_stopped_by_its_connection(
    fields: dict[str, object],
    is_over: bool,  # noqa: FBT001  a case
) -> None:
    revocations = Revocations()
    revocations.apply_connections([connection(5, **fields)], NOW)
    assert revocations.revokes(delegated()) is is_over


def test_leave_to_set_keys_ends_alone_and_what_is_older_than_the_token_ends_nothing() -> None:
    revocations = Revocations()
    revocations.apply_connections([connection(4, delegation="orders")], NOW)
    assert not revocations.revokes(delegated(may_set_keys=True))
    revocations.apply_connections([connection(5, delegation="orders")], NOW)
    assert revocations.revokes(delegated(may_set_keys=True))
    assert not revocations.revokes(delegated())


def test_it_ends_with_the_rights_of_the_person_and_with_the_brand() -> None:
    assert known(change(5, people=())).revokes(delegated())
    assert not known(change(5)).revokes(delegated())
    assert known(change(5, account_id=BRAND, erased=True)).revokes(delegated())
    assert not known(change(5, account_id=BRAND, people=())).revokes(delegated())
