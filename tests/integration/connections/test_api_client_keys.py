"""API clients are made once, however often somebody asks, and shown to nobody else."""

import asyncio
from uuid import uuid4

import httpx
import pytest

from tests.kit.client import PASSWORD, Api, Party
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
KEY = {"idempotency-key": "k"}
FORM = {"name": "ERP", "scopes": ["orders:write", "orders:read", "connections:read"]}


async def other_owner(api: Api, owner: Party) -> Party:
    """Somebody else who owns the account."""
    email = f"{uuid4().hex}@relevo.test"
    await owner.post("/v1/people", {"email": email, "role": "owner"})
    token = (await api.mailbox.wait_for(email))[-1].token
    body = {"token": token, "password": PASSWORD}
    return api.party(await api.client.post("/v1/people/join", json=body), email)


async def test_equal_creations_at_once_make_one_and_its_secret_is_its_makers(api: Api) -> None:
    owner = await api.three_pl()

    async def make(party: Party, **changes: object) -> httpx.Response:
        return await party.call("POST", "/v1/api-clients", {**FORM, **changes}, KEY)

    answers = await asyncio.gather(*(make(owner) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201}
    made = answers[0].json()
    assert [answer.json() for answer in answers] == [made] * 50
    assert len((await owner.get("/v1/api-clients"))["data"]) == 1
    # In another order they are the same scopes; others are another body.
    assert (await make(owner, scopes=FORM["scopes"][::-1])).json() == made
    assert (await make(owner, name="other")).json()["code"] == "idempotency_mismatch"

    # The key of another owner is another key.
    another = await other_owner(api, owner)
    theirs = (await make(another)).json()
    assert theirs["client_id"] != made["client_id"]
    assert theirs["client_secret"] != made["client_secret"]

    path = f"/v1/api-clients/{made['client_id']}/secrets"
    await owner.post(path)
    assert (await owner.call("DELETE", f"{path}/{made['secret_id']}")).status_code == 204
    over = await make(owner)
    assert (over.status_code, over.json()["code"]) == (409, "credential_revoked")
    assert made["client_secret"] not in over.text
    assert (await another.call("DELETE", f"/v1/api-clients/{theirs['client_id']}")).is_success
    assert (await make(another)).json()["code"] == "credential_revoked"

    # Who is no owner any more is shown nothing.
    people = (await owner.get("/v1/people"))["data"]
    person = next(one["id"] for one in people if one["email"] == another.email)
    assert (await owner.call("DELETE", f"/v1/people/{person}")).status_code == 204

    async def status() -> int:
        return (await make(another)).status_code

    await eventually(status, lambda seen: seen == 401)
