"""Whatever the parties of connections do, in any order: they may and see what the model says.

One service for all examples, with accounts of their own. It runs in the event loop of a thread,
because hypothesis asks for one step after the other.
"""

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from services.connections.expiry import sweep
from services.connections.main import create_app
from services.connections.oauth.http import ACCESS_TOKEN, TOKEN_EXCHANGE
from services.connections.settings import Settings
from shared.contracts.connections_changed import ConnectionChanged
from shared.kafka.topics import CONNECTIONS_CHANGED
from tests.kit.beside import World, a_world
from tests.kit.client import Party, brand_form
from tests.kit.parties import (
    EVERYBODY,
    OK,
    OWNERS,
    STATUS,
    THREE_PLS,
    Connection,
    Delegated,
    Invitation,
    MailedLink,
    Parties,
    Who,
)
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
T = TypeVar("T")

_AGE_CLAIM = """
WITH aged AS (
    UPDATE connections.login_links
    SET created_at = created_at - interval '33 days', expires_at = expires_at - interval '33 days'
    WHERE connection_id = $1 AND created_at > now() - interval '33 days')
UPDATE connections.connections SET created_at = created_at - interval '33 days' WHERE id = $1
"""
_END_LINKS = """
WITH shared AS (
    UPDATE connections.login_links SET expires_at = now() - interval '1 second'
    WHERE connection_id = $1 AND expires_at > now())
UPDATE connections.mailed_links SET expires_at = now() - interval '1 second'
WHERE connection_id = $1 AND purpose = 'accept'
"""
_END_INVITATION = """
WITH links AS (
    UPDATE connections.mailed_links SET expires_at = now() - interval '1 second'
    WHERE invitation_id = $1 AND purpose = 'invite')
UPDATE connections.invitations SET mailed_at = now() - interval '49 hours' WHERE id = $1
"""
# Limits have tests of their own: here an hour has passed before each mail and each try.
_AN_HOUR_LATER = """
WITH mailed AS (UPDATE connections.mails SET created_at = created_at - interval '1 hour')
DELETE FROM connections.login_attempts
"""


def seen(answer: httpx.Response) -> str:
    """The code of its problem, checked against its status."""
    if answer.is_success:
        return OK
    code: str = answer.json()["code"]
    assert answer.status_code == STATUS[code], answer.text
    return code


_WHO = st.sampled_from(EVERYBODY)
_INVITES = st.sampled_from(["brand", "brand", "brand", "first"])
_BRAND_FIRST = st.sampled_from(["brand", *EVERYBODY])
_NUMBER = st.integers(0, 20)
_CHANGES = st.one_of(
    *(st.fixed_dictionaries({name: st.sampled_from(["brand", "three_pl"])}) for name in OWNERS),
    st.fixed_dictionaries({"priority": st.integers(100, 102)}),
    st.fixed_dictionaries({"log_in_as_brand": st.sampled_from(["off", "orders", "credentials"])}),
    st.fixed_dictionaries(
        {"locked_settings": st.lists(st.sampled_from(sorted(OWNERS)), unique=True).map(sorted)}
    ),
    st.fixed_dictionaries(
        {"webhook_url": st.sampled_from([None, "http://127.0.0.1:1/a", "http://127.0.0.1:1/b"])}
    ),
)
# The version that is sent: the one of now, an old one, none.
_SEEN = st.sampled_from(["now", "now", "now", "old", "none"])


def some(name: str) -> Callable[["PartiesMachine"], bool]:
    """Whether there are any of these."""
    return lambda machine: bool(getattr(machine.model, name))


class PartiesMachine(RuleBasedStateMachine):
    world: ClassVar[World]

    @initialize()
    def begin(self) -> None:
        """Both 3PLs were accepted, at the same store."""
        self.world.ask(self._begin())
        for who in THREE_PLS:
            self.add(who, 0)
            self.open_link(0)
            self.accept(0, "brand", 0)

    async def _begin(self) -> None:
        api = self.world.api
        for file in api.mailbox.path.glob("*.eml"):
            file.unlink()
        await self.world.database.execute(_AN_HOUR_LATER)
        kinds = {"brand": "brand", "first": "three_pl", "second": "three_pl", "stranger": "brand"}
        made = await asyncio.gather(*(api.sign_up(kinds[who]) for who in EVERYBODY))
        self.people: dict[Who, Party] = dict(zip(EVERYBODY, made, strict=True))
        for who in THREE_PLS:
            await api.set_plan(self.people[who].id, "conquer")
        name = uuid4().hex[:12]
        self.domains = [f"{n}.{name}.example" for n in ("one", "two", "new")]
        brand = self.people["brand"]
        stores = {
            domain: (await brand.post("/v1/stores", {"store_url": domain}))["id"]
            for domain in self.domains[:2]
        }
        self.model = Parties(stores)

    # --- asking

    @rule(who=st.sampled_from([*THREE_PLS, "brand"]), domain=st.integers(0, 2))
    def add(self, who: Who, domain: int) -> None:
        """A 3PL enters one of the brand's shops, or one that the brand has not added."""
        asked = self.domains[domain]
        contact = {"name": "Ada", "email": self.people["brand"].email}
        form = brand_form(contact=contact, store_url=asked, platform="custom")
        answer = self._call(who, "POST", "/v1/brands", form)
        assert seen(answer) == self.model.may_add(who, asked)
        if answer.is_success:
            added = answer.json()
            made = Connection(
                added["connection"]["id"], who, added["store"]["id"], asked, added["id"]
            )
            made.login_link = added["login_link"]["token"]
            self.model.connections.append(made)

    @precondition(some("connections"))
    @rule(number=_NUMBER, other=st.none() | st.sampled_from(THREE_PLS))
    def issue_link(self, number: int, other: Who | None) -> None:
        connection = self._pick(self.model.connections, number)
        if connection.claim is None:
            return
        who = other or connection.three_pl
        body = {"store_id": connection.store}
        answer = self._call(who, "POST", f"/v1/brands/{connection.claim}/login-link", body)
        assert seen(answer) == self.model.may_issue_link(connection, who)
        if answer.is_success:
            old, connection.login_link = connection.login_link, answer.json()["token"]
            connection.login_link_is_over = False
            self._open(connection, old)

    @precondition(some("connections"))
    @rule(number=_NUMBER)
    def open_link(self, number: int) -> None:
        """Whoever has the shared link opens it: a mail goes out, unless the 3PL is blocked."""
        connection = self._pick(self.model.connections, number)
        if connection.login_link:
            self._open(connection, connection.login_link)

    def _open(self, connection: Connection, token: str) -> None:
        async def send() -> httpx.Response:
            return await self.world.api.client.post("/v1/login-links/open", json={"token": token})

        self.world.ask(self.world.database.execute(_AN_HOUR_LATER))
        wanted = self.model.may_open(connection, token)
        if wanted != OK or connection.three_pl in self.model.blocked:
            before = self._mails()
            assert seen(self.world.ask(send())) == wanted
            assert self._mails() == before
            return
        mailed = self.world.mailed(self.people["brand"].email, "accept", send())
        self.model.links.append(MailedLink(self.world.ask(mailed), connection))

    def _mails(self) -> int:
        counted: int = self.world.ask(
            self.world.database.fetchval("SELECT count(*) FROM connections.mails")
        )
        return counted

    @precondition(some("links"))
    @rule(number=_NUMBER, who=_BRAND_FIRST, old=st.integers(0, 3))
    def accept(self, number: int, who: Who, old: int) -> None:
        """By the right account or another, having seen the newest terms or, now and then, older."""
        link = self._pick(self.model.links, number)
        version = link.connection.settings_version
        version = version + 1 if old == 1 else version
        wanted = self.model.accept(link, who, version)
        body = {"token": link.token, "settings_version": version}
        self.world.ask(self.world.database.execute(_AN_HOUR_LATER))
        answer = self._call(who, "POST", "/v1/acceptances", body)
        assert seen(answer) == wanted
        if answer.is_success:
            shown = answer.json()
            now = link.connection
            assert shown["account_id"] == self.people["brand"].id
            assert shown["store"]["id"] == now.store
            assert shown["connection"] == {
                "id": now.id, "state": now.state, "version": now.version,
            }  # fmt: skip

    # --- inviting

    # A brand sends twenty a day.
    @precondition(lambda machine: len(machine.model.invitations) < 10)
    @rule(to=st.sampled_from(THREE_PLS), store=st.integers(0, 1), who=_INVITES)
    def invite(self, to: Who, store: int, who: Who) -> None:
        domain = self.domains[store]
        body = {"email": self.people[to].email, "store_id": self.model.stores[domain]}
        if who != "brand":
            assert seen(self._call(who, "POST", "/v1/invitations", body)) == "brand_only"
            return
        self.world.ask(self.world.database.execute(_AN_HOUR_LATER))
        send = self.people["brand"].post("/v1/invitations", body)
        token = self.world.ask(self.world.mailed(self.people[to].email, "invitation", send))
        listed = self.world.ask(self.people["brand"].get("/v1/invitations"))["data"]
        self.model.invitations.append(Invitation(listed[0]["id"], to, domain, [token]))

    @precondition(some("invitations"))
    @rule(number=_NUMBER, who=_BRAND_FIRST)
    def mail_again(self, number: int, who: Who) -> None:
        invitation = self._pick(self.model.invitations, number)
        path = f"/v1/invitations/{invitation.id}/resend"
        wanted = self.model.may_change(invitation, who)
        if wanted != OK:
            assert seen(self._call(who, "POST", path)) == wanted
            return
        self.world.ask(self.world.database.execute(_AN_HOUR_LATER))
        address = self.people[invitation.to].email
        send = self.people["brand"].post(path)
        invitation.tokens.append(self.world.ask(self.world.mailed(address, "invitation", send)))
        invitation.is_over = False

    @precondition(some("invitations"))
    @rule(number=_NUMBER, who=_BRAND_FIRST)
    def withdraw(self, number: int, who: Who) -> None:
        invitation = self._pick(self.model.invitations, number)
        answer = self._call(who, "DELETE", f"/v1/invitations/{invitation.id}")
        assert seen(answer) == self.model.may_change(invitation, who)
        if answer.is_success:
            invitation.state = "withdrawn"

    @precondition(some("invitations"))
    @rule(number=_NUMBER, who=st.none() | _WHO, older=st.integers(0, 4))
    def take_up(self, number: int, who: Who | None, older: int) -> None:
        """By who was invited, or by somebody else; also by a mail of before the newest."""
        invitation = self._pick(self.model.invitations, number)
        token = invitation.tokens[0 if older == 1 else -1]
        by = who or invitation.to
        wanted = self.model.may_take_up(invitation, token, by)
        self.world.ask(self.world.database.execute(_AN_HOUR_LATER))
        answer = self._call(by, "POST", "/v1/invitations/accept", {"token": token})
        assert seen(answer) == wanted
        if answer.is_success:
            shown = answer.json()["connection"]
            if invitation.connection is None:
                self.model.take_up(invitation, shown["id"])
            now = invitation.connection
            assert now is not None
            assert shown == {"id": now.id, "state": now.state, "version": now.version}

    # --- changing

    @precondition(some("connections"))
    @rule(
        number=_NUMBER,
        who=st.sampled_from(["brand", "brand", *EVERYBODY]),
        command=st.sampled_from(["activate", "activate", "deactivate", "disconnect"]),
        version=_SEEN,
    )
    def switch(self, number: int, who: Who, command: str, version: str) -> None:
        connection = self._pick(self.model.connections, number)
        if_match, headers = self._if_match(connection, version)
        wanted = self.model.switch(connection, who, command, if_match)
        path = f"/v1/connections/{connection.id}/{command}"
        self._compare(self._call(who, "POST", path, None, headers), wanted, connection)

    @precondition(some("connections"))
    @rule(number=_NUMBER, who=_BRAND_FIRST, change=_CHANGES, version=_SEEN)
    def set(self, number: int, who: Who, change: dict[str, Any], version: str) -> None:
        connection = self._pick(self.model.connections, number)
        if_match, headers = self._if_match(connection, version)
        wanted = self.model.set(connection, who, change, if_match)
        path = f"/v1/connections/{connection.id}/settings"
        self._compare(self._call(who, "PATCH", path, change, headers), wanted, connection)

    @staticmethod
    def _if_match(connection: Connection, version: str) -> tuple[int | None, dict[str, str]]:
        if version == "none":
            return None, {}
        at = connection.version - (version == "old")
        return at, {"if-match": f'"{at}"'}

    @staticmethod
    def _compare(answer: httpx.Response, wanted: str, connection: Connection) -> None:
        assert seen(answer) == wanted, (answer.text, connection)
        if answer.is_success:
            assert shown_of(answer.json()) == connection.shown()
        if wanted == "version_conflict":
            assert answer.json()["version"] == connection.version
            assert answer.headers["etag"] == f'"{connection.version}"'

    @rule(who=_WHO, three_pl=st.sampled_from(THREE_PLS), blocks=st.booleans())
    def block(self, who: Who, three_pl: Who, blocks: bool) -> None:  # noqa: FBT001  hypothesis names it
        """Each brand its own; a 3PL blocks nobody."""
        method = "PUT" if blocks else "DELETE"
        answer = self._call(who, method, f"/v1/blocks/{self.people[three_pl].id}")
        assert seen(answer) == ("not_found" if who in THREE_PLS else OK)
        if who == "brand":
            (self.model.blocked.add if blocks else self.model.blocked.discard)(three_pl)

    @rule(who=st.sampled_from(THREE_PLS), plan=st.sampled_from(["free", "conquer"]))
    def change_plan(self, who: Who, plan: str) -> None:
        self.world.ask(self.world.api.set_plan(self.people[who].id, plan))
        conquers = self.model.on_conquer
        (conquers.add if plan == "conquer" else conquers.discard)(who)

    # --- in the brand's name

    @precondition(some("connections"))
    @rule(number=_NUMBER, who=st.sampled_from(["brand", *THREE_PLS, *THREE_PLS]))
    def act_in_its_name(self, number: int, who: Who) -> None:
        connection = self._pick(self.model.connections, number)
        form = {
            "grant_type": TOKEN_EXCHANGE,
            "subject_token": self.people[who].token,
            "subject_token_type": ACCESS_TOKEN,
            "audience": f"urn:relevo:connection:{connection.id}",
        }
        answer = self.world.ask(self.world.api.client.post("/oauth2/token", data=form))
        wanted = self.model.may_act_in_its_name(connection, who)
        assert answer.json().get("error", OK) == wanted, answer.text
        if wanted == OK:
            token = answer.json()["access_token"]
            self.model.delegated.append(
                Delegated(token, connection, connection.epoch, connection.allowed_since)
            )

    @invariant()
    def tokens_in_its_name_are_good_as_long_as_what_they_stand_on(self) -> None:
        for held in self.model.delegated[-3:]:
            self.world.ask(self._check_token(held))

    async def _check_token(self, held: Delegated) -> None:
        holder = Party(self.world.api.client, "", "", held.token)
        path = f"/v1/connections/{held.connection.id}"
        wanted = 200 if held.is_good else 401

        async def status() -> int:
            return (await holder.call("GET", path)).status_code

        # Within a second, as every process hears of it.
        await eventually(status, lambda found: found == wanted)
        if held.is_good:
            assert (await holder.call("GET", "/v1/connections")).json()["code"] == "delegated"

    # --- time

    @precondition(some("connections"))
    @rule(number=_NUMBER)
    def links_run_out(self, number: int) -> None:
        connection = self._pick(self.model.connections, number)
        self.world.ask(self.world.database.execute(_END_LINKS, UUID(connection.id)))
        connection.login_link_is_over = True
        for link in self.model.links:
            link.is_over |= link.connection is connection

    @precondition(some("invitations"))
    @rule(number=_NUMBER)
    def an_invitation_runs_out(self, number: int) -> None:
        invitation = self._pick(self.model.invitations, number)
        self.world.ask(self.world.database.execute(_END_INVITATION, UUID(invitation.id)))
        invitation.is_over = True

    @precondition(some("connections"))
    @rule(number=_NUMBER)
    def a_claim_runs_out(self, number: int) -> None:
        """Only one that nobody accepted ends by itself."""
        connection = self._pick(self.model.connections, number)
        self.world.ask(self.world.database.execute(_AGE_CLAIM, UUID(connection.id)))
        self.world.ask(sweep.once(self.world.app.state.dependencies.database))
        connection.login_link_is_over = True
        if connection.state == "pending":
            connection.state = "expired"
            connection.version += 1
        for one in self.model.connections:
            one.is_erased |= one.state == "expired" or (
                one.state == "disconnected" and not one.is_brands
            )

    # --- what holds at all times

    @invariant()
    def everybody_sees_what_is_theirs_and_nothing_else(self) -> None:
        self.world.ask(self._check_lists())

    async def _check_lists(self) -> None:
        paths = ("/v1/connections", "/v1/stores", "/v1/brands")
        asked = [(who, path) for who in EVERYBODY for path in paths]
        pages = await asyncio.gather(
            *(self.people[who].get(f"{path}?limit=200") for who, path in asked)
        )
        found = {key: page["data"] for key, page in zip(asked, pages, strict=True)}
        for who in EVERYBODY:
            shown = [shown_of(one) for one in found[who, "/v1/connections"]]
            assert by_id(shown) == by_id(self.model.connections_of(who))
            stores = [one["id"] for one in found[who, "/v1/stores"]]
            assert sorted(stores) == sorted(self.model.stores_of(who))
            brands = [(one["id"], one["has_accepted"]) for one in found[who, "/v1/brands"]]
            assert sorted(brands) == sorted(self.model.brands_of(who))

    @invariant()
    def a_3pl_has_one_live_connection_to_a_store(self) -> None:
        live = [(one.three_pl, one.store) for one in self.model.connections if one.is_live]
        assert len(live) == len(set(live))
        active = [
            (one.store, one.priority) for one in self.model.connections if one.state == "active"
        ]
        assert len(active) == len(set(active))

    def teardown(self) -> None:
        """The topic has each version once, in order, and the newest is what everybody sees."""
        if hasattr(self, "model"):
            self.world.ask(self._check_topic())

    async def _check_topic(self) -> None:
        expected = {one.id: one for one in self.model.connections}
        wanted = sum(one.version for one in expected.values())
        said: dict[str, list[ConnectionChanged]] = {}

        async def read() -> int:
            said.clear()
            for record in await self.world.topics.all(CONNECTIONS_CHANGED.name):
                one = ConnectionChanged.model_validate_json(record.value)
                if (key := str(one.connection_id)) in expected:
                    said.setdefault(key, []).append(one)
            return sum(map(len, said.values()))

        await eventually(read, lambda count: count >= wanted)
        for key, connection in expected.items():
            assert [one.version for one in said[key]] == list(range(1, connection.version + 1))
            epochs = [one.epoch for one in said[key]]
            assert epochs == sorted(epochs)
            settings_versions = [one.settings.version for one in said[key]]
            assert settings_versions == sorted(settings_versions)
            now = said[key][-1]
            assert {
                "id": str(now.connection_id),
                "store": str(now.store_id),
                "state": now.state,
                "version": now.version,
                "epoch": now.epoch,
                "priority": now.priority,
                "settings_version": now.settings.version,
                "webhook": now.settings.endpoint_id is not None,
                **{name: getattr(now.settings, name) for name in OWNERS},
                "log_in_as_brand": now.delegation,
                "locked_settings": connection.settings["locked_settings"],
            } == connection.shown()
            assert str(now.three_pl_id) == self.people[connection.three_pl].id

    # --- the means

    def _call(
        self,
        who: Who,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        return self.world.ask(self.people[who].call(method, path, body, headers))

    @staticmethod
    def _pick(several: list[T], number: int) -> T:
        """One of them, the newest most often: there are few."""
        return several[-1 - number % len(several)]


def shown_of(view: dict[str, Any]) -> dict[str, Any]:
    """What the model knows of a connection, from the API."""
    return {
        "id": view["id"],
        "store": view["store"]["id"],
        "state": view["state"],
        "version": view["version"],
        "epoch": view["epoch"],
        "priority": view["priority"],
        "settings_version": view["settings"]["version"],
        "webhook": view["settings"]["webhook"] is not None,
        **{name: view["settings"][name] for name in OWNERS},
        "log_in_as_brand": view["log_in_as_brand"],
        "locked_settings": view["locked_settings"],
    }


def by_id(several: list[dict[str, Any]]) -> list[str]:
    """The same in one order, so that a difference is short."""
    return sorted(orjson.dumps(one, option=orjson.OPT_SORT_KEYS).decode() for one in several)


@pytest.mark.parametrize(
    ("examples", "steps", "phases"),
    [
        (4, 20, [Phase.generate]),
        pytest.param(
            150,
            50,
            [Phase.generate, Phase.shrink],
            marks=[pytest.mark.deep, pytest.mark.timeout(1_800)],
        ),
    ],
)
def test_the_parties_of_connections(
    service_settings: dict[str, str], examples: int, steps: int, phases: list[Phase]
) -> None:
    app = create_app(Settings(connections_attempts_of_network=1_000_000))
    with a_world(app, service_settings) as world:
        PartiesMachine.world = world
        run_state_machine_as_test(
            PartiesMachine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                phases=phases,
                suppress_health_check=list(HealthCheck),
                database=None,
            ),
        )
