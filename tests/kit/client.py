"""3PLs and brands as they use the connections service: over HTTP, with their own tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx

from tests.kit.mailbox import Folder

PASSWORD = "correct horse battery"

Json = dict[str, Any]


@dataclass(frozen=True)
class Party:
    """Somebody who is logged in."""

    client: httpx.AsyncClient
    id: str
    email: str
    token: str

    async def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """One request with the party's token."""
        return await self.client.request(
            method,
            path,
            json=body,
            headers={"authorization": f"Bearer {self.token}", **(headers or {})},
        )

    async def get(self, path: str) -> Json:
        """What a GET that succeeds answers."""
        answer = await self.call("GET", path)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def post(self, path: str, body: Any = None) -> Json:
        """What a POST that succeeds answers."""
        answer = await self.call("POST", path, body)
        assert answer.is_success, answer.text
        found: Json = answer.json()
        return found

    async def set(self, connection_id: str, **changes: Any) -> httpx.Response:
        """Change settings at the version that the connection has now."""
        at = (await self.get(f"/v1/connections/{connection_id}"))["version"]
        return await self.call(
            "PATCH",
            f"/v1/connections/{connection_id}/settings",
            changes,
            {"if-match": f'"{at}"'},
        )


@dataclass(frozen=True)
class Api:
    """The service and its operator."""

    client: httpx.AsyncClient
    operator_key: str
    mailbox: Folder

    @classmethod
    def of(cls, client: httpx.AsyncClient, settings: Mapping[str, str]) -> Self:
        """The service at the other end of `client`, which runs on these settings."""
        return cls(
            client,
            settings["RELEVO_CONNECTIONS_OPERATOR_KEY"],
            Folder(Path(settings["RELEVO_CONNECTIONS_MAIL_FOLDER"])),
        )

    async def log_in(self, email: str, password: str = PASSWORD) -> Party:
        """A session of an account that exists."""
        answer = await self.client.post("/v1/sessions", json={"email": email, "password": password})
        return self.party(answer, email)

    async def sign_up(self, kind: str, email: str = "") -> Party:
        """A new account on the free plan, of somebody who reads the mail."""
        email = email or f"{uuid4().hex}@relevo.test"
        form = {"kind": kind, "name": f"{kind} Ltd", "email": email}
        answer = await self.client.post("/v1/accounts", json=form)
        assert answer.status_code == 202, answer.text
        return await self.confirm(email)

    async def confirm(self, email: str) -> Party:
        """Whoever reads the newest mail to an address sets the password by its link."""
        token = (await self.mailbox.wait_for(email))[-1].token
        answer = await self.client.post(
            "/v1/accounts/confirm", json={"token": token, "password": PASSWORD}
        )
        return self.party(answer, email)

    def party(self, answer: httpx.Response, email: str) -> Party:
        """Who a session belongs to."""
        assert answer.status_code == 201, answer.text
        session = answer.json()
        return Party(self.client, session["account_id"], email, session["access_token"])

    async def set_plan(self, account_id: str, plan: str) -> httpx.Response:
        """As the operator."""
        return await self.client.put(
            f"/v1/accounts/{account_id}/plan",
            json={"plan": plan},
            headers={"authorization": f"Bearer {self.operator_key}"},
        )

    async def three_pl(self) -> Party:
        """A new 3PL that may hold connections."""
        party = await self.sign_up("three_pl")
        assert (await self.set_plan(party.id, "conquer")).status_code == 200
        return party

    async def open_link(self, added: Json) -> Json:
        """The client opens the shared link; what it shows."""
        answer = await self.client.post(
            "/v1/login-links/open", json={"token": added["login_link"]["token"]}
        )
        assert answer.status_code == 200, answer.text
        shown: Json = answer.json()
        return shown

    async def mailed_token(self, added: Json) -> str:
        """The client opens the shared link and reads its mail; the token in it."""
        address = added["contact"]["email"]
        before = len(self.mailbox.to(address))
        await self.open_link(added)
        return (await self.mailbox.wait_for(address, before + 1))[-1].token

    async def accept(self, token: str, as_party: Party | None = None, **fields: Any) -> Any:
        """The client accepts what it was shown, as somebody who is logged in or by password."""
        shown = await self.client.post("/v1/acceptances/preview", json={"token": token})
        version = shown.json()["settings"]["version"] if shown.is_success else 1
        body = {"token": token, "settings_version": version, **fields}
        if as_party is not None:
            return await as_party.call("POST", "/v1/acceptances", body)
        return await self.client.post("/v1/acceptances", json={"password": PASSWORD, **body})

    async def accepted(
        self, added: Json, adopted: Sequence[str] = (), **fields: Any
    ) -> tuple[Party, Json]:
        """The client after it has accepted, and what that answered."""
        answer = await self.accept(
            await self.mailed_token(added), adopted_credentials=list(adopted), **fields
        )
        return self.party(answer, added["contact"]["email"]), answer.json()

    async def connected(
        self, three_pl: Party | None = None, form: Json | None = None
    ) -> tuple[Party, Party, Json]:
        """A 3PL, a brand that has accepted, and what adding the brand answered."""
        three_pl = three_pl or await self.three_pl()
        added = await three_pl.post("/v1/brands", form or brand_form())
        brand, _ = await self.accepted(added)
        return three_pl, brand, added


def brand_form(**fields: Any) -> Json:
    """The Add Brand form of a client that nobody has heard of."""
    name = uuid4().hex[:12]
    return {
        "contact": {"name": "Ada", "email": f"{name}@brand.test", "phone": "+34 911 234 567"},
        "company_name": "Acme",
        "store_url": f"https://{name}.example",
        "platform": "shopify",
        "warehouse": {
            "address1": "Calle Mayor 1",
            "city": "Madrid",
            "zip": "28013",
            "country": "ES",
        },
        "monthly_order_range": "1001-5000",
        "priorities": ["cost"],
        **fields,
    }
