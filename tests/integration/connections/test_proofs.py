"""An answer from the domain proves a store; whoever has the same shop is told, or refused."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiohttp import web
from fastapi import FastAPI

from services.connections.main import create_app
from services.connections.proofs.looking import Looker
from services.connections.settings import Settings
from shared.egress.guard import Guard
from tests.kit.client import Api, Json, Party, brand_form
from tests.kit.dns_server import dns_server
from tests.kit.locks import started_and_waiting
from tests.kit.receiver import ReceivedWebhook, Receiver
from tests.kit.serving import ready, running
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines

WELL_KNOWN = "/.well-known/relevo-verification"
LOCAL = Guard(["127.0.0.0/8"], allow_http=True)


@dataclass
class Site:
    """A shop's web site; what it answers by path, 404 otherwise."""

    receiver: Receiver
    pages: dict[str, Callable[[], web.Response]] = field(default_factory=dict)

    @property
    def domain(self) -> str:
        return f"127.0.0.1:{self.receiver.port}"

    async def answer(self, got: ReceivedWebhook) -> web.Response:
        page = self.pages.get(got.path)
        return page() if page else web.Response(status=404, text="secret words of a 404")

    def publish(self, way: str, challenge: Json) -> None:
        if way == "well_known":
            self.pages[WELL_KNOWN] = lambda: web.Response(text=challenge["well_known"]["content"])
        else:
            page = f"<html><head><title>Mugs</title>{challenge['meta_tag']['tag']}</head>"
            self.pages["/"] = lambda: web.Response(text=page, content_type="text/html")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Receiver() as receiver:
        site = Site(receiver)
        receiver.answer = site.answer
        yield site


@asynccontextmanager
async def looking_with(
    settings: dict[str, str], looker: Looker
) -> AsyncIterator[tuple[FastAPI, Api]]:
    """The service, with a looker of the test's own."""
    app = create_app(Settings())
    app.state.dependencies = replace(app.state.dependencies, looker=looker)
    await looker.open()
    try:
        async with running(app) as client:
            await ready(client)
            yield app, Api.of(client, settings)
    finally:
        await looker.close()


async def add_store(brand: Party, domain: str) -> str:
    added = await brand.post("/v1/stores", {"store_url": f"http://{domain}", "platform": "shopify"})
    assert added["proven"] is False
    return str(added["id"])


async def check(brand: Party, store_id: str, way: str = "well_known") -> Any:
    return await brand.call("POST", f"/v1/stores/{store_id}/proofs/check", {"way": way})


async def proven(brand: Party, store_id: str, site: Site) -> None:
    """The brand publishes its challenge at the domain, instead of any other, and has it seen."""
    site.publish("well_known", await brand.post(f"/v1/stores/{store_id}/proofs"))
    answer = await check(brand, store_id)
    assert answer.status_code == 200, answer.text


async def is_proven(brand: Party, store_id: str) -> bool:
    (listed,) = [one for one in (await brand.get("/v1/stores"))["data"] if one["id"] == store_id]
    shown = await brand.get(f"/v1/stores/{store_id}")
    assert listed["proven"] == shown["proven"]
    return bool(shown["proven"])


def about_the_shop(api: Api, party: Party) -> list[str]:
    """The subjects of what an address was told of the shop."""
    subjects = [mail.subject for mail in api.mailbox.to(party.email)]
    return [one for one in subjects if "nother account" in one]


async def connected_at(api: Api, domain: str) -> tuple[Party, Party, str, str]:
    """A 3PL, a brand that has accepted, its store and the connection."""
    form = brand_form(store_url=f"http://{domain}")
    three_pl, brand, added = await api.connected(form=form)
    return three_pl, brand, added["store"]["id"], added["connection"]["id"]


# --- proving ------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["well_known", "meta_tag"])
async def test_what_the_domain_shows_proves_the_store(api: Api, site: Site, way: str) -> None:
    brand = await api.sign_up("brand")
    store = await add_store(brand, site.domain)
    challenge = await brand.post(f"/v1/stores/{store}/proofs")
    assert challenge[way]["url"].startswith(f"https://{site.domain}/")
    assert await brand.post(f"/v1/stores/{store}/proofs") == challenge
    answer = await check(brand, store, way)
    assert (answer.status_code, answer.json()["code"]) == (422, "proof_not_found")
    assert answer.json()["seen"] == "status 404"
    assert "secret words" not in answer.text
    assert not await is_proven(brand, store)

    site.publish(way, challenge)
    answer = await check(brand, store, way)
    assert answer.status_code == 200
    assert (answer.json()["proven"], answer.json()["proven_by"]) == (True, way)
    assert await is_proven(brand, store)
    assert (await check(brand, store, way)).json() == answer.json()
    # What is not sent cannot be sent back.
    assert challenge["token"] not in str(site.receiver.got)


async def test_a_txt_record_proves_the_store(service_settings: dict[str, str]) -> None:
    async with dns_server() as (server, resolver):
        looker = Looker(Guard([], allow_http=False), resolver)
        async with looking_with(service_settings, looker) as (_, api):
            brand = await api.sign_up("brand")
            store = await add_store(brand, "acme.example")
            record = (await brand.post(f"/v1/stores/{store}/proofs"))["dns_txt"]
            answer = await check(brand, store, "dns_txt")
            assert answer.json()["seen"] == "DNS knows no such name"
            server.known[record["name"], "TXT"] = ['"v=spf1 -all"']
            assert (await check(brand, store, "dns_txt")).json()["seen"] == "no such record"
            value = record["value"]
            server.known[record["name"], "TXT"] += [f'"{value[:9]}" "{value[9:]}"']
            assert (await check(brand, store, "dns_txt")).status_code == 200
            assert await is_proven(brand, store)


async def test_what_is_no_answer_of_the_domain_proves_nothing(api: Api, site: Site) -> None:
    brand = await api.sign_up("brand")
    store = await add_store(brand, site.domain)
    token = (await brand.post(f"/v1/stores/{store}/proofs"))["token"]

    async with Receiver() as elsewhere:

        async def show(_: ReceivedWebhook) -> web.Response:
            return web.Response(text=token)

        elsewhere.answer = show
        for answer, seen in (
            (lambda: web.Response(status=302, headers={"location": elsewhere.url}), "another host"),
            (lambda: web.Response(status=302, headers={"location": WELL_KNOWN}), "too many"),
            (lambda: web.Response(status=500, text=token), "status 500"),
            (lambda: web.Response(text="\n" * 70_000 + token), "another content"),
            (lambda: web.Response(text=f"<p>\n{token}\n</p>"), "another content"),
            (
                lambda: web.Response(text=token, headers={"content-encoding": "gzip"}),
                "compressed",
            ),
        ):
            site.pages[WELL_KNOWN] = answer
            refused = await check(brand, store)
            assert refused.status_code == 422, seen
            assert seen in refused.json()["seen"]
        assert elsewhere.got == []
    assert not await is_proven(brand, store)

    site.pages["/moved"] = lambda: web.Response(text=token)
    site.pages[WELL_KNOWN] = lambda: web.Response(status=301, headers={"location": "/moved#x"})
    assert (await check(brand, store)).status_code == 200


async def test_nothing_is_asked_of_addresses_that_are_not_public(
    service_settings: dict[str, str], site: Site
) -> None:
    for guard, seen in (
        (Guard([], allow_http=True), "no public address"),
        (Guard(["127.0.0.0/8"], allow_http=False), "no "),
    ):
        async with looking_with(service_settings, Looker(guard)) as (_, api):
            brand = await api.sign_up("brand")
            store = await add_store(brand, site.domain)
            site.publish("well_known", await brand.post(f"/v1/stores/{store}/proofs"))
            answer = await check(brand, store)
            assert answer.status_code == 422
            assert seen in answer.json()["seen"]
    # The second one may ask there, but not without TLS.
    assert site.receiver.got == []


async def test_few_looks_at_once_outside_of_transactions_and_with_a_deadline(
    service_settings: dict[str, str], site: Site, postgres_dsn: str
) -> None:
    site.receiver.answer = site.receiver.hang
    async with looking_with(service_settings, Looker(LOCAL, seconds=2.0)) as (_, api):
        brand = await api.sign_up("brand")
        store = await add_store(brand, site.domain)
        await brand.post(f"/v1/stores/{store}/proofs")
        checks = [asyncio.ensure_future(check(brand, store)) for _ in range(4)]
        await site.receiver.has(4)
        answer = await check(brand, store)
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
        assert int(answer.headers["retry-after"]) > 0
        database = await asyncpg.connect(postgres_dsn)
        open_ones = await database.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND state LIKE 'idle in transaction%'"
        )
        await database.close()
        assert open_ones == 0
        answers = await asyncio.gather(*checks)
        assert {one.json()["seen"] for one in answers} == {"no answer in time"}


async def test_a_store_is_looked_at_a_few_times_an_hour(api: Api, site: Site) -> None:
    brand = await api.sign_up("brand")
    store = await add_store(brand, site.domain)
    await brand.post(f"/v1/stores/{store}/proofs")
    for _ in range(10):
        assert (await check(brand, store)).status_code == 422
    asked = len(site.receiver.got)
    answer = await check(brand, store)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
    assert int(answer.headers["retry-after"]) > 60
    assert len(site.receiver.got) == asked


async def test_a_store_is_its_brands_to_prove(api: Api, site: Site, postgres_dsn: str) -> None:
    three_pl, brand, store, connection = await connected_at(api, site.domain)
    for path in (f"/v1/stores/{store}/proofs", f"/v1/stores/{store}/proofs/check"):
        body = {"way": "well_known"} if path.endswith("check") else None
        answer = await three_pl.call("POST", path, body)
        assert (answer.status_code, answer.json()["code"]) == (403, "brand_only")
        stranger = await api.sign_up("brand")
        assert (await stranger.call("POST", path, body)).status_code == 404
    answer = await check(brand, store)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    await proven(brand, store, site)
    assert (await three_pl.get(f"/v1/connections/{connection}"))["store"]["proven"] is True

    # A challenge of before: the domain may have been somebody else's since.
    other = await api.sign_up("brand")
    theirs = await add_store(other, site.domain)
    challenge = await other.post(f"/v1/stores/{theirs}/proofs")
    site.publish("well_known", challenge)
    database = await asyncpg.connect(postgres_dsn)
    await database.execute("UPDATE connections.store_challenges SET expires_at = now()")
    await database.close()
    assert (await check(other, theirs)).status_code == 404
    fresh = await other.post(f"/v1/stores/{theirs}/proofs")
    assert fresh["token"] != challenge["token"]
    assert (await check(other, theirs)).json()["seen"] == "the file has another content"


# --- the same shop in two accounts ----------------------------------------------------------------


async def test_two_unproven_are_both_told_once_and_both_may_switch_on(api: Api) -> None:
    domain = f"{uuid4().hex}.example"
    _, first, _, connection = await connected_at(api, domain)
    await first.post(f"/v1/connections/{connection}/activate")
    # An invented brand is nobody: it is not told, and causes no mail.
    squatter = await api.three_pl()
    form = brand_form(store_url=domain)
    await squatter.post("/v1/brands", form)
    owner = await api.sign_up("brand")
    await add_store(owner, domain)
    _, second, _, other = await connected_at(api, domain)
    for party in (first, second, owner):
        await api.mailbox.wait_for(party.email, 2)
        assert about_the_shop(api, party) == [f"Another account says that {domain} is its store"]
    await second.post(f"/v1/connections/{other}/activate")
    await first.post(f"/v1/connections/{connection}/deactivate")
    await first.post(f"/v1/connections/{connection}/activate")

    async def counts() -> list[int]:
        return [len(about_the_shop(api, one)) for one in (first, second, owner)]

    # Of three pairs each is told of once; the second one's owner got one mail for both of its.
    await eventually(counts, lambda found: sum(found) >= 5)
    await api.sign_up("brand")
    assert await counts() == [2, 1, 2]
    assert api.mailbox.to(form["contact"]["email"]) == []


async def test_the_newest_proof_counts_and_what_is_on_stays_on(
    api: Api, site: Site, postgres_dsn: str
) -> None:
    three_pl, first, lost, connection = await connected_at(api, site.domain)
    await proven(first, lost, site)
    await three_pl.post(f"/v1/connections/{connection}/activate")
    _, second, store, other = await connected_at(api, site.domain)
    answer = await second.call("POST", f"/v1/connections/{other}/activate")
    assert (answer.status_code, answer.json()["code"]) == (409, "store_proven_elsewhere")
    assert about_the_shop(api, first) == about_the_shop(api, second) == []

    await proven(second, store, site)
    assert (await is_proven(first, lost), await is_proven(second, store)) == (False, True)
    await second.post(f"/v1/connections/{other}/activate")
    seen = await first.get(f"/v1/connections/{connection}")
    assert (seen["state"], seen["store"]["proven"]) == ("active", False)
    # Who took the proof away is no business of those who lost it.
    for party, of_store, expected in (
        (first, lost, [("proof_lost", None), ("proven", first.id)]),
        (second, store, [("proven", second.id)]),
        (second, lost, []),
        (three_pl, lost, []),
    ):
        found = (await party.get(f"/v1/audit?store={of_store}"))["data"]
        assert [
            (one["action"], one["actor"] and one["actor"]["id"])
            for one in found
            if one["connection_id"] is None
        ] == expected
    assert (await first.get(f"/v1/audit?actor={second.id}"))["data"] == []
    await first.post(f"/v1/connections/{connection}/deactivate")
    answer = await three_pl.call("POST", f"/v1/connections/{connection}/activate")
    assert (answer.status_code, answer.json()["code"]) == (409, "store_proven_elsewhere")

    domain = site.domain
    told = {first.email: f"Another account has proven that {domain} is its store",
            second.email: f"You have proven {domain}, and another account has it too"}  # fmt: skip
    for party in (first, second):
        mails = await eventually(_told(api, party), bool)
        assert mails == [told[party.email]]
    database = await asyncpg.connect(postgres_dsn)
    rows = await database.fetch(
        "SELECT store_id::text, account_id::text, action, proven_by"
        " FROM connections.store_audit ORDER BY id"
    )
    await database.close()
    assert [tuple(row) for row in rows] == [
        (lost, first.id, "proven", "well_known"),
        (store, second.id, "proven", "well_known"),
        (lost, second.id, "proof_lost", "well_known"),
    ]


def _told(api: Api, party: Party) -> Callable[[], Any]:
    async def look() -> list[str]:
        return about_the_shop(api, party)

    return look


async def test_a_proof_is_told_to_an_account_that_is_switched_on(api: Api, site: Site) -> None:
    three_pl, first, _, connection = await connected_at(api, site.domain)
    await three_pl.post(f"/v1/connections/{connection}/activate")
    second = await api.sign_up("brand")
    await proven(second, await add_store(second, site.domain), site)
    assert await eventually(_told(api, first), bool)
    assert await eventually(_told(api, second), bool)
    assert (await first.get(f"/v1/connections/{connection}"))["state"] == "active"


async def test_two_proofs_at_once_leave_one(api: Api, site: Site, postgres_dsn: str) -> None:
    brands = [await api.sign_up("brand") for _ in range(4)]
    stores = [await add_store(brand, site.domain) for brand in brands]
    tokens = [
        (await brand.post(f"/v1/stores/{store}/proofs"))["token"]
        for brand, store in zip(brands, stores, strict=True)
    ]
    site.pages[WELL_KNOWN] = lambda: web.Response(text="\n".join(tokens))
    answers = await asyncio.gather(*map(check, brands, stores))
    assert [answer.status_code for answer in answers] == [200] * 4
    database = await asyncpg.connect(postgres_dsn)
    count = await database.fetchval(
        "SELECT count(*) FROM connections.stores WHERE proven_at IS NOT NULL"
    )
    await database.close()
    assert count == 1


async def test_switching_on_waits_for_a_proof_that_is_under_way(
    api: Api, postgres_dsn: str
) -> None:
    domain = f"{uuid4().hex}.example"
    three_pl, _, _, connection = await connected_at(api, domain)
    theirs = await add_store(await api.sign_up("brand"), domain)
    database = await asyncpg.connect(postgres_dsn)
    proof = database.transaction()
    await proof.start()
    await database.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('shop shopify ' || $1, 0))", domain
    )
    await database.execute(
        "UPDATE connections.stores SET proven_at = now(), proven_by = 'dns_txt'"
        " WHERE id::text = $1",
        theirs,
    )
    waiting = await started_and_waiting(
        postgres_dsn,
        three_pl.call("POST", f"/v1/connections/{connection}/activate"),
        "pg_advisory_xact_lock",
    )
    await proof.commit()
    await database.close()
    answer = await waiting
    assert (answer.status_code, answer.json()["code"]) == (409, "store_proven_elsewhere")
