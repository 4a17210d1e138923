"""A ticket and its carrier, who has no account: what is mailed there, and what it answers."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import orjson
import pytest
from fastapi import FastAPI
from standardwebhooks.webhooks import Webhook

from services.fulfilment.main import create_app
from services.fulfilment.settings import Settings
from shared.contracts.notices import CarrierLetter, CarrierMail, NoticeRaised
from shared.kafka.topics import NOTICES
from shared.sealing import Sealer
from tests.kit.builders import BRAND
from tests.kit.publishers import Topics, new_secret
from tests.kit.tickets import PNG, a_draft
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
SECRET = new_secret()
DOMAIN = "mail.relevo.test"
WORDS = "Zoë Quux waits"


@pytest.fixture
async def app(service_settings: dict[str, str]) -> AsyncIterator[FastAPI]:
    assert service_settings
    settings = Settings(fulfilment_mail_domain=DOMAIN, fulfilment_mail_secret=SECRET)
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        health = app.state.runtime.health
        await eventually(health.report, lambda said: set(said.values()) == {"ok"})
        yield app


async def test_a_ticket_is_mailed_to_its_carrier_who_reads_its_files_and_answers_once(
    client: httpx.AsyncClient,
    make_token: Callable[..., str],
    database: asyncpg.Connection,
    topics: Topics,
    installation_secrets: dict[str, str],
) -> None:
    own = {"authorization": f"Bearer {make_token(BRAND, 'brand')}"}
    fields = {"value": "9.99", "currency": "EUR"}
    key = bytes(range(20))
    draft = await a_draft(
        database, carrier_email="care@carrier.test", reply_key=key, language="es",
        fields=orjson.dumps(fields).decode(),
    )  # fmt: skip
    ticket = f"/v1/tickets/{draft}"
    await client.post(f"{ticket}/messages", json={"text": WORDS}, headers=own)
    added = await client.post(f"{ticket}/attachments?name=a.png", content=PNG, headers=own)
    assert added.status_code == 201
    # Nothing goes out before it is open.
    opened = await client.post(f"{ticket}/open", headers=own)
    assert opened.json()["state"] == "waiting_for_carrier"
    [record] = await topics.all(NOTICES.name, 1)
    assert WORDS.encode() not in record.value
    assert b"care@carrier.test" not in record.value
    raised = NoticeRaised.model_validate_json(record.value)
    assert isinstance(raised.data, CarrierMail)
    sealer = Sealer.parse(installation_secrets["RELEVO_SEALING_KEYS"])
    letter = CarrierLetter.model_validate_json(sealer.open(raised.data.sealed, raised.data.context))
    assert (raised.account_id, letter.to, letter.text, letter.value, letter.language) == (
        BRAND, "care@carrier.test", WORDS, "9.99 EUR", "es",
    )  # fmt: skip
    [file] = letter.files
    linked = await client.get(httpx.URL(file.link).path)
    assert (linked.content, linked.headers["x-content-type-options"]) == (PNG, "nosniff")
    assert (await client.get(f"{httpx.URL(file.link).path}x")).status_code == 410

    async def answer(message_id: str, **changes: Any) -> Any:
        body = orjson.dumps({
            "from": "agent@carrier.test", "to": letter.reply_to, "subject": "Re: 7",
            "text": "We found it.", "message_id": message_id, **changes,
        }).decode()  # fmt: skip
        now = datetime.now(UTC)
        headers = {
            "content-type": "application/json", "webhook-id": "1",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(SECRET).sign("1", now, body),
        }  # fmt: skip
        taken = await client.post("/v1/mail/inbound", content=body, headers=headers)
        return taken.json().get("added", taken.status_code)

    assert await answer("<a@carrier>") is True
    assert await answer("<a@carrier>") is False
    assert await answer("<b@carrier>", to=f"tickets+abc@{DOMAIN}") is False
    unsigned = await client.post("/v1/mail/inbound", json={})
    assert (unsigned.status_code, unsigned.json()["code"]) == (401, "missing_signature")
    forged = await client.post("/v1/mail/inbound", json={}, headers={"webhook-signature": "v1,a"})
    assert (forged.status_code, forged.json()["code"]) == (401, "invalid_signature")
    read = (await client.get(ticket, headers=own)).json()
    assert read["state"] == "waiting_for_party"
    assert [(one["author"], one["text"]) for one in read["messages"]] == [
        ("owner", WORDS), ("carrier", "We found it."),
    ]  # fmt: skip

    # What is said next is mailed alone, and passes the turn.
    await client.post(f"{ticket}/messages", json={"text": "Thanks"}, headers=own)
    told = [
        NoticeRaised.model_validate_json(record.value)
        for record in await topics.all(NOTICES.name, 3)
    ]
    # The account hears once that the carrier answered.
    assert sorted(one.data.kind for one in told) == [
        "carrier_mail", "carrier_mail", "ticket_answered",
    ]  # fmt: skip
    assert (await client.get(ticket, headers=own)).json()["state"] == "waiting_for_carrier"
    # After the end an answer is kept, and moves nothing.
    await client.post(f"{ticket}/resolve", headers=own)
    assert await answer("<c@carrier>") is True
    assert (await client.get(ticket, headers=own)).json()["state"] == "resolved"
    await database.execute(
        "INSERT INTO ticket_messages (id, ticket_id, author, text)"
        " SELECT gen_random_uuid(), id, 'owner', '' FROM tickets, generate_series(1, 200)"
    )
    await client.post(f"{ticket}/reopen", headers=own)
    over = await client.post(f"{ticket}/messages", json={"text": "More"}, headers=own)
    assert (over.status_code, over.json()["code"]) == (429, "too_many_mails")
