"""Notices of other services: kept once, listed, and mailed to owners in their turn."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import orjson
import pytest
from uuid_utils.compat import uuid7

from services.connections.mail.kinds import Mail
from services.connections.mail.outgoing import Outgoing
from services.connections.main import create_app
from services.connections.notices import store
from services.connections.notices.mailer import Mailer
from services.connections.settings import Settings
from shared.contracts.notices import (
    CarrierLetter,
    CarrierMail,
    DeliveriesExhausted,
    EndpointDisabled,
    NoticeData,
    NoticeRaised,
    OrdersHandedBack,
    OrdersQuarantined,
    TicketAnswered,
    notice_id,
)
from shared.kafka.topics import NOTICES
from shared.postgres.database import Database, Session
from shared.sealing import Sealer
from tests.kit.client import Api, Json, Party, brand_form
from tests.kit.leaks import tables_with
from tests.kit.locks import started_and_waiting
from tests.kit.mailbox import Folder
from tests.kit.publishers import Topics
from tests.kit.serving import ready, running
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
LINK = "https://relevo.test/notices"
MARK = "zqxmark"


@pytest.fixture
async def api(service_settings: dict[str, str]) -> AsyncIterator[Api]:
    """The service, which looks often for what it was not woken for."""
    async with running(create_app(Settings(connections_mail_poll_seconds=0.1))) as client:
        await ready(client)
        yield Api.of(client, service_settings)


@pytest.fixture
async def second_process(api: Api) -> AsyncIterator[None]:
    """Another process of the same service."""
    assert api, "the first one"
    async with running(create_app(Settings(connections_mail_poll_seconds=0.1))):
        yield


@pytest.fixture
async def database(service_settings: dict[str, str]) -> AsyncIterator[Database]:
    """The schema, as the service uses it."""
    assert service_settings, "set in this process"
    opened = Database(Settings(), "connections")
    await opened.open()
    yield opened
    await opened.close()


def exhausted(added: Json, host: str, deliveries: int, endpoint: UUID | None = None) -> NoticeData:
    return DeliveriesExhausted(
        endpoint_id=endpoint or uuid7(),
        connection_id=added["connection"]["id"],
        store_id=added["store"]["id"],
        host=host,
        deliveries=deliveries,
        since=NOON,
    )


def disabled(added: Json, host: str = "hooks.3pl.test") -> NoticeData:
    return EndpointDisabled(
        endpoint_id=uuid7(),
        connection_id=added["connection"]["id"],
        store_id=added["store"]["id"],
        host=host,
        parked=3,
    )


def raised(account: str, data: NoticeData, minutes: float = 0) -> NoticeRaised:
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    notice = notice_id(UUID(account), data.kind, uuid7())
    return NoticeRaised(id=notice, account_id=UUID(account), data=data, raised_at=at)


async def publish(topics: Topics, *notices: NoticeRaised) -> None:
    for notice in notices:
        await topics.publish(NOTICES.name, str(notice.account_id), notice)


async def told(party: Party, count: int, query: str = "") -> list[Json]:
    """What the account was told, once it is so much."""

    async def look() -> list[Json]:
        found: list[Json] = (await party.get(f"/v1/notices{query}"))["data"]
        return found

    return await eventually(look, lambda found: len(found) == count)


async def all_mailed(database: Database) -> None:
    """Return once no turn is due: whatever is mailed now is queued."""

    async def look() -> int:
        async with database.session() as session:
            return int(
                await session.fetchval(
                    "SELECT count(*) FROM notice_turns WHERE due_at <= now() + interval '1 second'"
                )
            )

    await eventually(look, lambda due: due == 0)


async def queued(database: Database, kind: str) -> int:
    async with database.session() as session:
        return int(await session.fetchval("SELECT count(*) FROM mails WHERE kind = $1", kind))


async def execute(database: Database, query: str, *values: object) -> None:
    async with database.session() as session:
        await session.execute(query, *values)


@pytest.mark.usefixtures("second_process")
async def test_a_notice_is_kept_and_mailed_once_to_its_account_in_its_owners_language(
    api: Api, topics: Topics, database: Database
) -> None:
    three_pl, brand, added = await api.connected()
    await execute(database, "UPDATE people SET language = 'es' WHERE email = $1", brand.email)
    handed_back = OrdersHandedBack(
        connection_id=added["connection"]["id"],
        store_id=added["store"]["id"],
        epoch=1,
        returned=12,
        stayed=4,
    )
    one = raised(three_pl.id, disabled(added))
    # Twice, as the log may have it, and beside one that no release of today knows.
    await publish(topics, one, one)
    unknown = orjson.loads(one.model_dump_json())
    unknown |= {"id": str(uuid7()), "data": {"kind": "invented"}}
    await topics.publish(NOTICES.name, three_pl.id, orjson.dumps(unknown))
    others = [raised(account, handed_back, 1) for account in (three_pl.id, brand.id)]
    answered = TicketAnswered(ticket_id=uuid7(), number=7, answered_by="carrier")
    others.append(raised(brand.id, answered, 2))
    await publish(topics, *others, one)

    newest, oldest = await told(three_pl, 2)
    assert oldest["data"] == orjson.loads(one.data.model_dump_json())
    assert (newest["id"], newest["data"]["returned"]) == (str(others[0].id), 12)
    assert [entry["id"] for entry in await told(brand, 2)] == [
        str(others[2].id),
        str(others[1].id),
    ]
    page = await three_pl.get("/v1/notices?limit=1")
    rest = await three_pl.get(f"/v1/notices?limit=1&after={page['next']}")
    assert [*page["data"], *rest["data"]] == [newest, oldest]
    assert rest["next"] is None
    assert await told(three_pl, 1, "?kind=endpoint_disabled") == [oldest]
    (dead,) = await topics.all(NOTICES.dead_letters, at_least=1)
    assert b"invented" in dead.value

    domain = added["store"]["domain"]
    mails = await api.mailbox.wait_for(three_pl.email, 3)
    assert {mail.subject for mail in mails[1:]} == {
        f"Nothing is sent to hooks.3pl.test any more ({domain})",
        f"Orders of {domain} went back to the brand: 12",
    }
    spanish = {mail.subject: mail for mail in await api.mailbox.wait_for(brand.email, 3)}
    assert "/notices" in spanish[f"Pedidos de {domain} devueltos a la marca: 12"].text
    assert "Su respuesta" in spanish["El transportista ha respondido a tu incidencia 7"].text
    await all_mailed(database)
    assert (await queued(database, "endpoint_disabled"), len(api.mailbox.to(brand.email))) == (1, 3)


async def test_of_noisy_kinds_the_first_is_mailed_and_later_ones_are_summed_up_after_an_hour(
    api: Api, topics: Topics, database: Database
) -> None:
    three_pl, _, added = await api.connected()
    endpoint = uuid7()
    await publish(topics, raised(three_pl.id, exhausted(added, "one.test", 2, endpoint)))
    first = (await api.mailbox.wait_for(three_pl.email, 2))[-1]
    domain = added["store"]["domain"]
    assert first.subject == f"Deliveries for {domain} failed for good: 2"

    later = [exhausted(added, "one.test", 3, endpoint), exhausted(added, "one.test", 4, endpoint)]
    later += [exhausted(added, f"{number:02}.test", 1) for number in range(21)]
    await publish(topics, *(raised(three_pl.id, data) for data in later))
    await told(three_pl, 24)
    await all_mailed(database)
    async with database.session() as session:
        waits = await session.fetchval("SELECT due_at - mailed_at FROM notice_turns")
    assert (waits, await queued(database, "deliveries_exhausted")) == (timedelta(hours=1), 1)

    await execute(database, "UPDATE notice_turns SET due_at = now()")
    digest = (await api.mailbox.wait_for(three_pl.email, 3))[-1]
    assert digest.subject == f"Deliveries for {domain} and others failed for good: 28"
    lines = [line for line in digest.text.splitlines() if line.startswith("- ")]
    assert lines[0] == f"- 7 to one.test, about orders of {domain}"
    assert (len(lines), lines[-1]) == (21, "- and 2 more endpoints")
    await all_mailed(database)
    assert await queued(database, "deliveries_exhausted") == 2


async def test_everybody_says_for_themselves_what_is_mailed(
    api: Api, topics: Topics, database: Database
) -> None:
    three_pl, _, added = await api.connected()
    other = await api.sign_up("brand")
    await three_pl.post("/v1/people", {"email": other.email, "role": "owner"})
    token = (await api.mailbox.wait_for(other.email, 2))[-1].token
    answer = await other.call("POST", "/v1/people/join", {"token": token})
    assert answer.status_code == 201
    path = "/v1/notification-settings"
    all_kinds = (await three_pl.get(path))["mailed"]
    assert "deliveries_exhausted" in all_kinds
    # Nothing of this is about one's own security: that cannot be chosen.
    for unknown in ("new_device", "reset_password"):
        assert (await three_pl.call("PUT", path, {"mailed": [unknown]})).status_code == 422
    wanted = ["deliveries_exhausted"]
    for _ in range(2):
        answer = await three_pl.call("PUT", path, {"mailed": wanted})
        assert (answer.status_code, answer.json()) == (200, {"mailed": wanted})
    assert await three_pl.get(path) == {"mailed": wanted}
    assert (await other.get(path))["mailed"] == all_kinds

    before = len(api.mailbox.to(three_pl.email))
    await publish(topics, raised(three_pl.id, disabled(added)))
    await publish(topics, raised(three_pl.id, exhausted(added, "one.test", 1)))
    await api.mailbox.wait_for(other.email, 4)
    (mail,) = (await api.mailbox.wait_for(three_pl.email, before + 1))[before:]
    assert "failed for good" in mail.subject
    await all_mailed(database)
    assert await queued(database, "endpoint_disabled") == 1

    # Whoever leaves leaves nothing behind.
    assert (await three_pl.call("PUT", path, {"mailed": all_kinds})).status_code == 200
    async with database.session() as session:
        assert await session.fetchval("SELECT count(*) FROM muted_notices") == 0


class Slow(Outgoing):
    """Queues mails when it is let go on."""

    def __init__(self, sealer: Sealer) -> None:
        super().__init__(sealer)
        self.began, self.may_go_on = asyncio.Event(), asyncio.Event()

    async def queue(self, session: Session, *mails: Mail) -> int:
        self.began.set()
        await self.may_go_on.wait()
        return await super().queue(session, *mails)


async def test_who_mails_has_the_turn_and_what_comes_meanwhile_is_of_the_next_one(
    database: Database, postgres_dsn: str, service_settings: dict[str, str]
) -> None:
    account, person = uuid7(), uuid7()
    await execute(
        database, "INSERT INTO accounts (id, kind, name) VALUES ($1, 'three_pl', 'A')", account
    )
    await execute(database, "INSERT INTO people (id, email) VALUES ($1, 'a@3pl.test')", person)
    await execute(
        database,
        "INSERT INTO memberships (person_id, account_id, role) VALUES ($1, $2, 'owner')",
        person, account,
    )  # fmt: skip
    added = {"connection": {"id": uuid7()}, "store": {"id": uuid7()}}

    async def keep() -> None:
        async with database.transaction() as session:
            await store.keep_notices(
                session, [raised(str(account), exhausted(added, "one.test", 1))]
            )

    sealer = Sealer.parse(service_settings["RELEVO_SEALING_KEYS"])
    slow = Slow(sealer)
    one = Mailer(database, slow, LINK, 1)
    other = Mailer(database, Outgoing(sealer), LINK, 1)
    await keep()
    mailing = asyncio.create_task(one.mail_once())
    await slow.began.wait()
    keeping = await started_and_waiting(postgres_dsn, keep(), "INTO notice_turns")
    assert not await other.mail_once()
    slow.may_go_on.set()
    assert await mailing
    await keeping
    assert not await other.mail_once()
    assert await queued(database, "deliveries_exhausted") == 1
    await execute(database, "UPDATE notice_turns SET due_at = now()")
    assert await other.mail_once()
    assert await queued(database, "deliveries_exhausted") == 2


async def test_nobody_is_mailed_of_a_claim_and_nothing_is_left_of_an_erased_account(
    api: Api, topics: Topics, database: Database, postgres_dsn: str
) -> None:
    three_pl = await api.three_pl()
    added = await three_pl.post("/v1/brands", brand_form())
    await execute(database, "DELETE FROM mails")
    async with database.session() as session:
        claim = str(await session.fetchval("SELECT brand_id FROM stores"))
    data = OrdersQuarantined(store_id=added["store"]["id"], entries=1, since=NOON)
    leaving = await api.sign_up("three_pl")
    path = "/v1/notification-settings"
    assert (await leaving.call("PUT", path, {"mailed": ["endpoint_disabled"]})).is_success
    await publish(topics, raised(claim, data), raised(leaving.id, disabled(added, f"{MARK}.test")))
    await api.mailbox.wait_for(leaving.email, 2)
    await all_mailed(database)
    assert await queued(database, "orders_quarantined") == 0
    assert await tables_with(postgres_dsn, "connections", [MARK]) == {"notices"}

    erased = await api.client.delete(
        f"/v1/accounts/{leaving.id}/personal-data",
        headers={"authorization": f"Bearer {api.operator_key}"},
    )
    assert erased.status_code == 200
    # What comes late, and one that is heard after it: of the same partition.
    await publish(topics, raised(leaving.id, disabled(added, f"{MARK}.test")))
    await topics.publish(NOTICES.name, leaving.id, raised(three_pl.id, disabled(added)))
    await told(three_pl, 1)
    assert not await tables_with(postgres_dsn, "connections", [MARK])
    async with database.session() as session:
        assert await session.fetchval("SELECT count(*) FROM muted_notices") == 0

    await execute(database, "UPDATE notices SET raised_at = now() - interval '91 days'")
    await told(three_pl, 0)


async def test_a_letter_to_a_carrier_is_mailed_once_in_its_accounts_name_and_is_no_notice(
    api: Api, topics: Topics, database: Database, service_settings: dict[str, str], tmp_path: Path
) -> None:
    three_pl, _, _ = await api.connected()
    sealer = Sealer.parse(service_settings["RELEVO_SEALING_KEYS"])
    reply_to = "tickets+abc@mail.relevo.test"

    def a_letter(account: str, sealed_as: str | None = None) -> NoticeRaised:
        letter = CarrierLetter(
            to="care@carrier.test", language="es", number=7, category="damaged", text=MARK,
            reply_to=reply_to,
        )  # fmt: skip
        data = CarrierMail(ticket_id=uuid7(), message_id=uuid7(), sealed="")
        sealed = sealer.seal(letter.model_dump_json(), sealed_as or data.context)
        data = data.model_copy(update={"sealed": sealed})
        return NoticeRaised(
            id=uuid7(), account_id=UUID(account), data=data, raised_at=datetime.now(UTC)
        )

    one = a_letter(three_pl.id)
    # Twice, one of nobody, and one that does not open.
    await publish(topics, one, one, a_letter(str(uuid7())), a_letter(three_pl.id, "other"))
    await publish(topics, raised(three_pl.id, OrdersHandedBack(
        connection_id=uuid7(), store_id=uuid7(), epoch=1, returned=1, stayed=1
    )))  # fmt: skip
    [notice] = await told(three_pl, 1)
    assert notice["data"]["kind"] == "orders_handed_back"
    [mail] = await Folder(tmp_path / "mail").wait_for("care@carrier.test")
    assert (mail.message["Reply-To"], mail.message["Auto-Submitted"]) == (reply_to, None)
    assert "Incidencia 7" in mail.subject
    assert MARK in mail.text
    assert await queued(database, "carrier_ticket") == 1
