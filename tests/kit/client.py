"""3PLs and brands as they use the connections service: over HTTP, with their own tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

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

    async def log_in(self, email: str, password: str = PASSWORD) -> Party:
        """A session of an account that exists."""
        answer = await self.client.post("/v1/sessions", json={"email": email, "password": password})
        assert answer.status_code == 201, answer.text
        session = answer.json()
        return Party(self.client, session["account_id"], email, session["access_token"])

    async def sign_up(self, kind: str) -> Party:
        """A new account on the free plan."""
        email = f"{uuid4().hex}@relevo.test"
        form = {"kind": kind, "name": f"{kind} Ltd", "email": email, "password": PASSWORD}
        answer = await self.client.post("/v1/accounts", json=form)
        assert answer.status_code == 201, answer.text
        return await self.log_in(email)

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

    async def redeem(
        self, token: str, password: str = PASSWORD, adopted: Sequence[str] = ()
    ) -> httpx.Response:
        """The first login of a brand, which keeps these of the 3PL's keys."""
        return await self.client.post(
            "/v1/login-links/redeem",
            json={"token": token, "password": password, "adopted_credentials": list(adopted)},
        )

    async def connected(
        self, three_pl: Party | None = None, form: Json | None = None
    ) -> tuple[Party, Party, Json]:
        """A 3PL, a brand that has logged in, and what adding the brand answered."""
        three_pl = three_pl or await self.three_pl()
        form = form or brand_form()
        added = await three_pl.post("/v1/brands", form)
        session = (await self.redeem(added["login_link"]["token"])).json()
        brand = Party(
            self.client, session["account_id"], form["contact"]["email"], session["access_token"]
        )
        return three_pl, brand, added


def brand_form(**fields: Any) -> Json:
    """The Add Brand form of a client that nobody has heard of."""
    name = uuid4().hex[:12]
    return {
        "contact": {"name": "Ada", "email": f"{name}@brand.test"},
        "company_name": "Acme",
        "store_url": f"https://{name}.example",
        "platform": "shopify",
        "warehouse": "Madrid",
        "monthly_order_range": "1000-5000",
        "priorities": ["cost"],
        **fields,
    }
