"""The people of an account: asked in by mail, with roles, and let go; and their addresses."""

import asyncio
from uuid import uuid4

import pytest

from tests.kit.client import PASSWORD, Api, Party, brand_form
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines


async def joined(api: Api, owner: Party, role: str, email: str = "") -> Party:
    """Somebody new who follows the invitation of an owner."""
    email = email or f"{uuid4().hex}@relevo.test"
    before = len(api.mailbox.to(email))
    answer = await owner.call("POST", "/v1/people", {"email": email, "role": role})
    assert (answer.status_code, answer.json()) == (202, {"email": email})
    token = (await api.mailbox.wait_for(email, before + 1))[-1].token
    body = {"token": token, "password": PASSWORD}
    return api.party(await api.client.post("/v1/people/join", json=body), email)


async def person_of(owner: Party, email: str) -> str:
    people = (await owner.get("/v1/people"))["data"]
    return next(str(one["id"]) for one in people if one["email"] == email)


def refused(answer: object) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]  # type: ignore[attr-defined]  # of httpx


async def test_a_viewer_reads_an_operator_works_and_an_owner_decides_who_does(api: Api) -> None:
    owner = await api.three_pl()
    viewer, operator = await joined(api, owner, "viewer"), await joined(api, owner, "operator")
    assert viewer.id == operator.id == owner.id
    added = await operator.post("/v1/brands", brand_form())
    assert (await viewer.get(f"/v1/brands/{added['id']}"))["id"] == added["id"]
    assert len((await viewer.get("/v1/people"))["data"]) == 3
    path = f"/v1/connections/{added['connection']['id']}/disconnect"
    for party, method, target, body in (
        (viewer, "POST", "/v1/brands", brand_form()),
        (viewer, "POST", path, None),
        (viewer, "POST", f"/v1/stores/{added['store']['id']}/credentials", {"kind": "api_key"}),
        (operator, "POST", "/v1/people", {"email": "x@relevo.test", "role": "owner"}),
        (operator, "PATCH", f"/v1/people/{uuid4()}", {"role": "owner"}),
        (operator, "DELETE", f"/v1/people/{uuid4()}", None),
    ):
        assert refused(await party.call(method, target, body)) == (403, "role_required"), target
    assert (await operator.call("POST", path)).status_code == 200


async def test_less_is_known_everywhere_soon_and_a_new_session_has_it(api: Api) -> None:
    owner = await api.three_pl()
    operator = await joined(api, owner, "operator")
    person = await person_of(owner, operator.email)
    answer = await owner.call("PATCH", f"/v1/people/{person}", {"role": "viewer"})
    assert answer.status_code == 204

    async def status(party: Party) -> int:
        return (await party.call("GET", "/v1/brands")).status_code

    await eventually(lambda: status(operator), lambda seen: seen == 401)
    again = await api.log_in(operator.email)
    assert refused(await again.call("POST", "/v1/brands", brand_form())) == (403, "role_required")
    assert (await owner.call("DELETE", f"/v1/people/{person}")).status_code == 204
    await eventually(lambda: status(again), lambda seen: seen == 401)
    assert await status(owner) == 200
    login = {"email": operator.email, "password": PASSWORD}
    assert refused(await api.client.post("/v1/sessions", json=login)) == (404, "not_found")


async def test_one_owner_stays_also_when_two_let_each_other_go(api: Api) -> None:
    first = await api.sign_up("brand")
    own = await person_of(first, first.email)
    for answer in (
        await first.call("DELETE", f"/v1/people/{own}"),
        await first.call("PATCH", f"/v1/people/{own}", {"role": "viewer"}),
    ):
        assert refused(answer) == (409, "last_owner")
    second = await joined(api, first, "owner")
    other = await person_of(first, second.email)
    answers = await asyncio.gather(
        first.call("DELETE", f"/v1/people/{other}"), second.call("DELETE", f"/v1/people/{own}")
    )
    assert sorted(answer.status_code for answer in answers) in ([204, 409], [204, 401])
    # Whoever is left may leave only once there is another owner.
    viewer_leaves = await joined(api, first if answers[0].status_code == 204 else second, "viewer")
    me = await person_of(viewer_leaves, viewer_leaves.email)
    assert (await viewer_leaves.call("DELETE", f"/v1/people/{me}")).status_code == 204


async def test_a_person_joins_a_second_account_by_the_password_it_has(api: Api) -> None:
    owner, somebody = await api.three_pl(), await api.sign_up("brand")
    assert (await joined(api, owner, "operator", somebody.email)).id == owner.id
    await owner.call("POST", "/v1/people", {"email": somebody.email, "role": "operator"})
    token = (await api.mailbox.wait_for(somebody.email, 3))[-1].token
    wrong = {"token": token, "password": "not the password"}
    assert refused(await api.client.post("/v1/people/join", json=wrong)) == (403, "wrong_password")
    answer = await somebody.call("POST", "/v1/people/join", {"token": token})
    assert (answer.status_code, answer.json()["account_id"]) == (201, owner.id)
    again = await somebody.call("POST", "/v1/people/join", {"token": token})
    assert refused(again) == (410, "link_expired")


async def test_people_of_other_accounts_are_not_there(api: Api) -> None:
    owner, stranger = await api.sign_up("brand"), await api.sign_up("brand")
    person = await person_of(stranger, stranger.email)
    assert [one["email"] for one in (await owner.get("/v1/people"))["data"]] == [owner.email]
    for answer in (
        await owner.call("PATCH", f"/v1/people/{person}", {"role": "viewer"}),
        await owner.call("DELETE", f"/v1/people/{person}"),
    ):
        assert refused(answer) == (404, "not_found")


# --- addresses ----------------------------------------------------------------------------------


async def test_a_new_address_is_proven_and_the_old_one_can_undo_it(api: Api) -> None:
    party = await api.sign_up("brand")
    new = f"{uuid4().hex}@relevo.test"
    wrong = {"email": new, "password": "not the password"}
    answer = await party.call("POST", "/v1/people/me/email", wrong)
    assert refused(answer) == (403, "wrong_password")
    answer = await party.call("POST", "/v1/people/me/email", {"email": new, "password": PASSWORD})
    assert answer.status_code == 202
    assert (await api.log_in(party.email)).id == party.id
    (mail,) = await api.mailbox.wait_for(new)
    confirmed = await api.client.post("/v1/people/me/email/confirm", json={"token": mail.token})
    assert confirmed.status_code == 204
    moved = await api.log_in(new)
    old = {"email": party.email, "password": PASSWORD}
    assert (await api.client.post("/v1/sessions", json=old)).status_code == 401

    *_, asked, done = await api.mailbox.wait_for(party.email, 3)
    assert asked.subject == "Somebody wants to change your e-mail address"
    assert done.subject == "Your e-mail address was changed"
    undone = await api.client.post("/v1/people/me/email/undo", json={"token": done.token})
    assert undone.status_code == 204
    for email in (new, party.email):
        body = {"email": email, "password": PASSWORD}
        assert (await api.client.post("/v1/sessions", json=body)).status_code == 401

    async def status() -> int:
        return (await moved.call("GET", "/v1/people")).status_code

    await eventually(status, lambda seen: seen == 401)
    await api.client.post("/v1/password-resets", json={"email": party.email})
    token = (await api.mailbox.wait_for(party.email, 4))[-1].token
    body = {"token": token, "password": "a new one of mine"}
    answer = await api.client.post("/v1/password-resets/redeem", json=body)
    assert api.party(answer, party.email).id == party.id


async def test_an_undone_wish_cannot_be_confirmed_any_more(api: Api) -> None:
    party = await api.sign_up("brand")
    new = f"{uuid4().hex}@relevo.test"
    await party.call("POST", "/v1/people/me/email", {"email": new, "password": PASSWORD})
    (wish,) = await api.mailbox.wait_for(new)
    undo = (await api.mailbox.wait_for(party.email, 2))[-1].token
    answer = await api.client.post("/v1/people/me/email/undo", json={"token": undo})
    assert answer.status_code == 204
    answer = await api.client.post("/v1/people/me/email/confirm", json={"token": wish.token})
    assert refused(answer) == (404, "not_found")


async def test_an_address_that_is_somebody_elses_stays_theirs(api: Api) -> None:
    party, other = await api.sign_up("brand"), await api.sign_up("brand")
    body = {"email": other.email, "password": PASSWORD}
    answer = await party.call("POST", "/v1/people/me/email", body)
    assert (answer.status_code, answer.json()) == (202, {"email": other.email})
    mail = (await api.mailbox.wait_for(other.email, 2))[-1]
    assert mail.subject == "You have an account already"
    assert (await api.log_in(other.email)).id == other.id
