"""Whose tokens are over, as every process knows it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from shared.contracts.accounts_changed import AccountChanged, EndedSession, Member
from shared.web.auth import Principal
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
