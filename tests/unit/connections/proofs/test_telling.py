"""Who is told that two accounts have one shop."""

from uuid import UUID

from services.connections.proofs import telling
from services.connections.proofs.models import Claimant

HERE, THERE, ELSEWHERE = UUID(int=1), UUID(int=2), UUID(int=3)


def owner(
    store: UUID,
    person: int,
    *,
    is_proven: bool = False,
    has_active: bool = False,
    mails: int = 0,
) -> Claimant:
    email = f"{person}@shop.test"
    return Claimant(store, UUID(int=person), email, "en", is_proven, has_active, mails)


def test_both_are_told_once_and_the_keys_hold_ids_only() -> None:
    both = [owner(HERE, 10), owner(THERE, 20), owner(THERE, 21)]
    mails = telling.unproven(both, HERE, "acme.example")
    assert [mail.to for mail in mails] == ["20@shop.test", "21@shop.test", "10@shop.test"]
    again = telling.unproven(both[1:] + both[:1], THERE, "acme.example")
    assert {mail.once for mail in again} == {mail.once for mail in mails}
    for mail in mails:
        assert mail.once is not None
        assert "@" not in mail.once


def test_many_others_make_one_mail_to_the_owners_of_this_one() -> None:
    mails = telling.unproven(
        [owner(HERE, 10), owner(THERE, 20), owner(ELSEWHERE, 30)], HERE, "acme.example"
    )
    assert sorted(mail.to for mail in mails) == ["10@shop.test", "20@shop.test", "30@shop.test"]


def test_nobody_is_told_of_a_shop_that_is_proven_or_nobody_elses() -> None:
    assert telling.unproven([owner(HERE, 10)], HERE, "acme.example") == []
    assert telling.unproven([owner(THERE, 20)], HERE, "acme.example") == []
    proven = [owner(HERE, 10), owner(THERE, 20, is_proven=True)]
    assert telling.unproven(proven, HERE, "acme.example") == []


def test_an_address_gets_few_of_them_in_an_hour() -> None:
    mails = telling.unproven([owner(HERE, 10), owner(THERE, 20, mails=3)], HERE, "acme.example")
    assert [mail.to for mail in mails] == ["10@shop.test"]


def test_a_proof_is_told_to_those_who_lose_by_it_and_to_its_own() -> None:
    others = [owner(THERE, 20), owner(ELSEWHERE, 30, has_active=True)]
    mails = telling.proven([owner(HERE, 10), *others], HERE, [], "acme.example")
    told = [(mail.to, getattr(mail.data, "proven_by", None)) for mail in mails]
    assert told == [("30@shop.test", "other"), ("10@shop.test", "reader")]
    lost = telling.proven([owner(HERE, 10), *others], HERE, [THERE], "acme.example")
    assert {mail.to for mail in lost} == {"10@shop.test", "20@shop.test", "30@shop.test"}
    assert telling.proven([owner(HERE, 10), others[0]], HERE, [], "acme.example") == []
