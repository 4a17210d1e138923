"""Tickets: who writes and who reads them, what they need, and what an erasure leaves."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from uuid_utils.compat import uuid7

from services.routing import events
from services.routing.orders import Decision, Event, Outcome
from shared.contracts.accounts_changed import AccountChanged
from shared.contracts.notices import TicketAnswered
from shared.contracts.order import Order
from shared.kafka.topics import ACCOUNTS_CHANGED, ORDERS_EVENTS
from tests.kit.builders import BRAND, NOON, THREE_PL, an_order, the_brands
from tests.kit.leaks import tables_with
from tests.kit.notices import notices
from tests.kit.publishers import Topics, erased
from tests.kit.tickets import a_draft
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
MARK = "Zoë Quux"
ADDRESS = {
    "name": MARK, "address1": "1 Road", "city": "London", "zip": "N1", "country_code": "GB",
}  # fmt: skip
PAYLOAD = Order.model_validate(
    {"external_id": "1", "created_at": NOON, "updated_at": NOON, "currency": "EUR", "total": "9"}
).model_dump_json()
Headers = Mapping[str, str]
Tell = Callable[..., Awaitable[UUID]]


@pytest.fixture
def tell(topics: Topics, database: asyncpg.Connection) -> Tell:
    """Says what became of an order, as routing does, and waits until it is known."""

    async def send(order: Any = None, type_: Any = "order.created", **changes: Any) -> UUID:
        told = order or an_order(**{"id": uuid7(), "payload": PAYLOAD, **changes})
        decision = Decision(Outcome.ENTERED, told, (Event(type_, told),))
        (message,) = events.messages([(decision, None)])
        await topics.publish(ORDERS_EVENTS.name, message.key, message.value, message.headers)
        await eventually(
            lambda: database.fetchval("SELECT sequence FROM orders WHERE id = $1", told.id),
            lambda found: found == told.sequence,
        )
        return UUID(str(told.id))

    return send


@pytest.fixture
def brand(make_token: Callable[..., str]) -> Headers:
    return {"authorization": f"Bearer {make_token(BRAND, 'brand')}"}


@pytest.fixture
def three_pl(make_token: Callable[..., str]) -> Headers:
    return {"authorization": f"Bearer {make_token(THREE_PL, 'three_pl')}"}


@pytest.fixture
def stranger(make_token: Callable[..., str]) -> Headers:
    return {"authorization": f"Bearer {make_token(uuid4(), 'three_pl')}"}


def a_ticket(order: UUID, **changes: Any) -> dict[str, Any]:
    return {
        "order_id": str(order), "category": "address", "fields": {"correct_address": ADDRESS},
        "message": f"It goes to {MARK} now.", **changes,
    }  # fmt: skip


async def make(client: httpx.AsyncClient, headers: Headers, order: UUID, **changes: Any) -> str:
    made = await client.post("/v1/tickets", json=a_ticket(order, **changes), headers=headers)
    assert made.status_code == 201, made.text
    return f"/v1/tickets/{made.json()['id']}"


async def test_the_snapshots_support_owner_writes_the_other_party_reads_and_nobody_else_knows(
    client: httpx.AsyncClient,
    make_token: Callable[..., str],
    tell: Tell,
    brand: Headers,
    three_pl: Headers,
    stranger: Headers,
) -> None:
    order = await tell(support_owner="three_pl")
    form = a_ticket(order)
    refused = await client.post("/v1/tickets", json=form, headers=brand)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_support_owner")
    assert (await client.post("/v1/tickets", json=form, headers=stranger)).status_code == 404
    act = {"account": str(THREE_PL), "sub": str(THREE_PL)}
    delegation = {
        "connection": str(uuid4()), "connection_ver": 10**6, "epoch": 1, "store": str(uuid4()),
        "keys": True,
    }  # fmt: skip
    token = make_token(BRAND, "brand", "operator", act=act, **delegation)
    delegated = {"authorization": f"Bearer {token}"}

    key = {"idempotency-key": "once"}
    first = await client.post("/v1/tickets", json=form, headers={**three_pl, **key})
    again = await client.post("/v1/tickets", json=form, headers={**three_pl, **key})
    assert (first.status_code, first.json()["state"]) == (201, "draft")
    assert again.json() == first.json()
    ticket = f"/v1/tickets/{first.json()['id']}"
    # A draft is its writer's.
    assert (await client.get(ticket, headers=brand)).status_code == 404
    assert (await client.get("/v1/tickets", headers=brand)).json()["data"] == []
    opened = await client.post(f"{ticket}/open", headers=three_pl)
    assert (opened.json()["state"], opened.json()["is_own"]) == ("open", True)

    read = (await client.get(ticket, headers=brand)).json()
    assert (read["is_own"], read["fields"], read["messages"][0]["text"]) == (
        False, {"correct_address": ADDRESS}, form["message"],
    )  # fmt: skip
    words = {"text": "And then?"}
    tries: list[tuple[Headers, int]] = [(brand, 403), (stranger, 404), (delegated, 403)]
    for headers, status in tries:
        for path in ("messages", "resolve"):
            answer = await client.post(f"{ticket}/{path}", json=words, headers=headers)
            assert answer.status_code == status, (path, status)
    assert (await client.get(ticket, headers=stranger)).status_code == 404
    assert (await client.get("/v1/tickets", headers=delegated)).status_code == 403

    # The settings change, and then the order goes back: whose tickets these are stays.
    await tell(
        an_order(id=order, sequence=2, support_owner="three_pl", payload=PAYLOAD), "order.updated"
    )
    await tell(the_brands(id=order, sequence=3, payload=PAYLOAD), "order.returned")
    said = await client.post(f"{ticket}/messages", json=words, headers=three_pl)
    assert (said.status_code, said.json()["author"]) == (201, "owner")
    assert len((await client.get(ticket, headers=brand)).json()["messages"]) == len("ab")
    # A new one is the brand's, who has the order itself.
    assert (await client.post("/v1/tickets", json=form, headers=three_pl)).status_code == 404
    own = await make(client, brand, order)
    assert (await client.post(f"{own}/open", headers=brand)).status_code == 200
    assert (await client.get(own, headers=three_pl)).status_code == 404

    await client.post(f"{ticket}/close", headers=three_pl)
    late = await client.post(f"{ticket}/messages", json=words, headers=three_pl)
    assert (late.status_code, late.json()["state"]) == (409, "closed")


async def test_what_is_missing_is_named_and_lists_are_filtered_and_say_what_is_overdue(
    client: httpx.AsyncClient,
    tell: Tell,
    database: asyncpg.Connection,
    brand: Headers,
    three_pl: Headers,
) -> None:
    order = await tell(support_owner="brand")
    lost = a_ticket(order, category="lost", fields={"value": "9.99"})
    refused = await client.post("/v1/tickets", json=lost, headers=brand)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (
        422, "/fields/currency",
    )  # fmt: skip
    late = await make(client, brand, order)
    fields = {"value": "9.99", "currency": "EUR"}
    unshown = await make(client, brand, order, category="lost", fields=fields)
    refused = await client.post(f"{unshown}/open", headers=brand)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/attachments")
    await client.post(f"{late}/open", headers=brand)
    due = await database.fetchval("SELECT due_at - opened_at FROM tickets WHERE state = 'open'")
    assert due == timedelta(days=2)
    await database.execute("UPDATE tickets SET due_at = now() WHERE state = 'open'")

    async def ids(headers: Headers, **filters: Any) -> list[str]:
        answer = await client.get("/v1/tickets", params=filters, headers=headers)
        return [f"/v1/tickets/{one['id']}" for one in answer.json()["data"]]

    assert await ids(brand) == [unshown, late]
    assert await ids(brand, overdue=True) == await ids(brand, state="open") == [late]
    assert await ids(brand, overdue=False) == await ids(brand, category="lost") == [unshown]
    assert await ids(three_pl) == await ids(three_pl, order_id=order, kind="carrier") == [late]
    assert await ids(brand, order_id=uuid4()) == await ids(brand, kind="help") == []
    page = (await client.get("/v1/tickets?limit=1", headers=brand)).json()
    assert await ids(brand, after=page["next"]) == [late]
    counts = (await client.get("/v1/tickets/counts", headers=brand)).json()
    assert counts == {
        "states": [
            {"state": "draft", "tickets": 1, "overdue": 0},
            {"state": "open", "tickets": 1, "overdue": 1},
        ],
        "overdue": 1,
    }
    assert (await client.get(late, headers=brand)).json()["overdue"] is True


async def test_of_an_erased_brand_no_word_of_its_tickets_is_left(
    client: httpx.AsyncClient,
    tell: Tell,
    topics: Topics,
    postgres_dsn: str,
    brand: Headers,
    three_pl: Headers,
) -> None:
    await make(client, brand, await tell(support_owner="brand"))
    order = await tell(support_owner="three_pl")
    others = await make(client, three_pl, order, carrier_email="care@quux.example")
    await client.post(f"{others}/open", headers=three_pl)
    marks = (MARK, "quux")
    assert await tables_with(postgres_dsn, "fulfilment", marks)
    gone: AccountChanged = erased(BRAND)
    await topics.publish(ACCOUNTS_CHANGED.name, str(BRAND), gone)
    await eventually(
        lambda: tables_with(postgres_dsn, "fulfilment", marks), lambda found: found == set()
    )
    left = (await client.get(others, headers=three_pl)).json()
    assert (left["category"], left["fields"], left["carrier_email"]) == ("address", None, None)
    assert [one["text"] for one in left["messages"]] == [None]
    late = await client.post(f"{others}/messages", json={"text": MARK}, headers=three_pl)
    assert (late.status_code, late.json()["code"]) == (409, "order_erased")
    late = await client.post("/v1/tickets", json=a_ticket(order), headers=three_pl)
    assert (late.status_code, late.json()["code"]) == (409, "order_erased")


async def test_any_account_asks_the_operator_who_answers_with_the_operators_key(
    client: httpx.AsyncClient,
    service_settings: dict[str, str],
    database: asyncpg.Connection,
    three_pl: Headers,
    brand: Headers,
    topics: Topics,
) -> None:
    operator = {"authorization": f"Bearer {service_settings['RELEVO_FULFILMENT_OPERATOR_KEY']}"}
    asked = {"category": "technical", "message": f"{MARK} asks"}
    made = (await client.post("/v1/tickets", json=asked, headers=three_pl)).json()
    assert (made["kind"], made["order_id"]) == ("help", None)
    own, theirs = f"/v1/tickets/{made['id']}", f"/v1/help-tickets/{made['id']}"
    wrong = {**asked, "order_id": str(uuid4())}
    refused = await client.post("/v1/tickets", json=wrong, headers=three_pl)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/order_id")
    file = await client.post(f"{own}/attachments?name=log", content=b"It broke.", headers=three_pl)
    # A draft is not asked yet.
    assert (await client.get(theirs, headers=operator)).status_code == 404
    assert (await client.post(f"{theirs}/resolve", headers=operator)).status_code == 404
    opened = (await client.post(f"{own}/open", headers=three_pl)).json()
    assert opened["state"] == "waiting_for_operator"
    await database.execute("UPDATE tickets SET due_at = now()")

    listed = await client.get(
        "/v1/help-tickets?overdue=true&state=waiting_for_operator", headers=operator
    )
    assert [(one["id"], one["account_id"]) for one in listed.json()["data"]] == [
        (made["id"], str(THREE_PL))
    ]
    late = await client.get("/v1/help-tickets?overdue=false", headers=operator)
    assert late.json()["data"] == []
    said = await client.post(f"{theirs}/messages", json={"text": "Mended."}, headers=operator)
    assert (said.status_code, said.json()["author"]) == (201, "operator")
    # Who asked is told that there is an answer, not what it is.
    (told,) = await notices(topics, 1)
    assert (told.account_id, told.data) == (
        THREE_PL,
        TicketAnswered(ticket_id=made["id"], number=made["number"], answered_by="operator"),
    )
    read = (await client.get(own, headers=three_pl)).json()
    assert (read["state"], read["messages"][-1]["text"]) == ("waiting_for_party", "Mended.")
    whole = (await client.get(theirs, headers=operator)).json()
    assert [one["text"] for one in whole["messages"]] == [f"{MARK} asks", "Mended."]
    got = await client.get(f"{theirs}/attachments/{file.json()['id']}", headers=operator)
    assert (got.content, got.headers["content-type"]) == (b"It broke.", "text/plain; charset=utf-8")
    assert (await client.post(f"{theirs}/resolve", headers=operator)).json()["state"] == "resolved"
    again = (await client.post(f"{own}/reopen", headers=three_pl)).json()
    assert again["state"] == "waiting_for_operator"

    # Nobody else: other accounts see nothing, and no account is the operator.
    assert (await client.get(own, headers=brand)).status_code == 404
    for path in ("/v1/help-tickets", theirs):
        assert (await client.get(path, headers=three_pl)).status_code == 401
    # Nor are carrier tickets the operator's.
    carrier = await a_draft(database, state="open", opened_at=NOON)
    assert (await client.get(f"/v1/help-tickets/{carrier}", headers=operator)).status_code == 404
    assert len((await client.get("/v1/help-tickets", headers=operator)).json()["data"]) == 1
