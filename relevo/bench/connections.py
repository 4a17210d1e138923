"""`relevo bench connections`: the list, the switch, what is revoked, and logging in."""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from relevo.bench import ledger, measure
from relevo.bench.run import Load, Sending, Sink, connect, ingest_urls, private_stack
from relevo.demo.client import PASSWORD, Connected
from relevo.local.stack import Stack

Json = dict[str, Any]
Progress = Callable[[int, int], None]
_PAGES = 300
_LOG_IN_SECONDS = 5.0
_LOG_INS_AT_ONCE = 8
_WRONG = 120
_SECONDS = 10.0
_SENDERS = 32
_OK, _UNAUTHORIZED = 200, 401
# One claim each, as 100,000 forms would have made them.
_FILL = """
WITH account AS (
    SELECT account_id AS id FROM connections.memberships m
    JOIN connections.people p ON p.id = m.person_id WHERE p.email = $1
),
ids AS MATERIALIZED (
    SELECT gen_random_uuid() AS brand, gen_random_uuid() AS store, gen_random_uuid() AS connection,
           n FROM generate_series(1, $2::int) AS n
),
brands AS (
    INSERT INTO connections.accounts (id, kind, name)
    SELECT brand, 'brand', 'Brand ' || n FROM ids RETURNING id
),
stores AS (
    INSERT INTO connections.stores (id, brand_id, platform, domain)
    SELECT store, brand, 'shopify', n || '.bench.example' FROM ids RETURNING id
),
made AS (
    INSERT INTO connections.connections (id, store_id, brand_id, three_pl_id, state)
    SELECT connection, store, brand, account.id, 'pending' FROM ids, account RETURNING id
)
INSERT INTO connections.settings_versions (connection_id, version, shipping_rules_owner,
    billing_owner, support_owner, created_by)
SELECT connection, 1, 'brand', 'brand', 'brand', account.id FROM ids, account
"""


def connections(
    say: Callable[[str], None], progress: Progress, rows: int, rounds: int, rate: float
) -> Json:
    """One 3PL with `rows` connections; `rounds` switches, idle and beside `rate` orders/s."""
    with private_stack(say) as stack, tempfile.TemporaryDirectory() as scratch:
        sink = Sink()
        try:
            own, *others = connect(stack, [f"{sink.url}{n}" for n in range(3)])
            return asyncio.run(
                _Run(stack, own, others, Path(scratch), say, progress).all(rows, rounds, rate)
            )
        finally:
            sink.end()


class _Run:
    """What the measurements share.

    Args:
        stack: that runs.
        own: the connection that is switched.
        others: those that the load goes to.
        scratch: a folder.
        say: tells what begins.
        progress: counts switches.
    """

    def __init__(
        self,
        stack: Stack,
        own: Connected,
        others: Sequence[Connected],
        scratch: Path,
        say: Callable[[str], None],
        progress: Progress,
    ) -> None:
        self._stack = stack
        self._own = own
        self._others = others
        self._scratch = scratch
        self._say = say
        self._progress = progress

    async def all(self, rows: int, rounds: int, rate: float) -> Json:
        """Every figure."""
        async with httpx.AsyncClient(
            trust_env=False, timeout=30, limits=httpx.Limits(max_connections=None)
        ) as self._http:
            self._say(f"{rows} connections in one account")
            await self._fill(rows)
            listed = await self._list()
            self._say(f"{rounds} switches, idle")
            idle = await self._switches(rounds)
            self._say(f"{rounds} switches beside {rate:g} orders/s")
            busy = await self._beside_orders(rounds, rate)
            self._say("Keys and sessions are revoked")
            keys = [await self._revoke_key() for _ in range(rounds)]
            sessions = [await self._log_out() for _ in range(rounds)]
            self._say("People log in")
            log_ins = await self._log_ins()
        return {
            "rows": rows,
            "list_ms": listed,
            "switch_idle_ms": ledger.percentiles(sorted(idle)),
            "switch_busy_ms": ledger.percentiles(sorted(busy)),
            "rate": rate,
            "key_revoked_ms": ledger.percentiles(sorted(keys)),
            "log_out_ms": ledger.percentiles(sorted(sessions)),
            **log_ins,
            # An order that never became the brand's ends the run.
            "balances": True,
            "machine": measure.machine(),
        }

    # --- the list ---------------------------------------------------------------------------

    async def _fill(self, rows: int) -> None:
        session = await asyncpg.connect(self._stack.dsn)
        try:
            await session.execute(_FILL, self._own.three_pl_email, rows)
            await session.execute("ANALYZE")
        finally:
            await session.close()

    async def _list(self) -> Json:
        """Pages of 50 one after the other, as somebody who scrolls."""
        took, after = [], ""
        for _ in range(_PAGES):
            started = time.perf_counter()
            page = await self._get("connections", f"/v1/connections?limit=50{after}")
            took.append((time.perf_counter() - started) * 1_000)
            after = f"&after={page['next']}" if page["next"] else ""
        return dict(ledger.percentiles(sorted(took)))

    # --- the switch -------------------------------------------------------------------------

    async def _switches(self, rounds: int) -> list[float]:
        took = []
        for number in range(rounds):
            took.append(await self._switch(number))
            self._progress(number + 1, rounds)
        return took

    async def _switch(self, number: int) -> float:
        """From the answer of `deactivate` to routing applying it; the next order is the brand's."""
        path = f"/v1/connections/{self._own.connection_id}"
        await self._post("connections", f"{path}/activate", self._token)
        await self._until(lambda: self._routing_has("active"))
        await self._post("connections", f"{path}/deactivate", self._token)
        started = time.perf_counter()
        external_id = f"{number}-{uuid4().hex}"
        await self._send(external_id)
        await self._until(lambda: self._routing_has("inactive"))
        took = (time.perf_counter() - started) * 1_000
        # It may have been routed before the switch was applied: then the sweep takes it back.
        await self._until(lambda: self._is_the_brands(external_id))
        return took

    async def _routing_has(self, state: str) -> bool:
        path = f"/v1/handovers/preview?connection={self._own.connection_id}"
        answer = await self._http.get(self._url("routing", path), headers=self._bearer(self._token))
        return answer.status_code == _OK and answer.json()["state"] == state

    async def _is_the_brands(self, external_id: str) -> bool:
        path = f"/v1/orders?store={self._own.store_id}&limit=20"
        answer = await self._http.get(
            self._url("routing", path), headers=self._bearer(self._own.brand_token)
        )
        rows: list[Json] = answer.json()["data"] if answer.status_code == _OK else []
        return any(row["external_id"] == external_id and row["owner"] == "brand" for row in rows)

    async def _send(self, external_id: str) -> None:
        order = {
            "external_id": external_id,
            "created_at": "2026-03-01T12:00:00Z",
            "updated_at": "2026-03-01T12:00:00Z",
            "currency": "EUR",
            "total": "10.00",
            "lines": [{"title": "Mug", "quantity": 1, "price": "10.00"}],
        }
        path = f"/v1/stores/{self._own.store_id}/orders"
        await self._post("ingest", path, self._own.api_key, order)

    async def _beside_orders(self, rounds: int, rate: float) -> list[float]:
        # As many as the switches may take at most; what is left is not waited for.
        load = Load(int(rate * max(20, rounds)), _SENDERS, rate)
        sending = Sending(ingest_urls(self._stack), self._others, load, self._scratch)
        sending.start()
        try:
            await asyncio.sleep(2)
            return await self._switches(rounds)
        finally:
            sending.end()

    # --- what is revoked --------------------------------------------------------------------

    async def _revoke_key(self) -> float:
        path = f"/v1/stores/{self._own.store_id}"
        made = await self._post(
            "connections", f"{path}/credentials", self._own.brand_token, {"kind": "api_key"}
        )

        async def status() -> int:
            answer = await self._http.get(
                self._url("ingest", path), headers=self._bearer(made["secret"])
            )
            return answer.status_code

        async def is_refused() -> bool:
            return await status() == _UNAUTHORIZED

        async def is_let_in() -> bool:
            return await status() == _OK

        await self._until(is_let_in)
        await self._http.delete(
            self._url("connections", f"{path}/credentials/{made['id']}"),
            headers=self._bearer(self._own.brand_token),
        )
        started = time.perf_counter()
        await self._until(is_refused)
        return (time.perf_counter() - started) * 1_000

    async def _log_out(self) -> float:
        """Until every service that takes the token refuses it."""
        token = (await self._log_in(self._own.three_pl_email))["access_token"]
        places = (
            ("connections", "/v1/connections?limit=1"),
            ("routing", "/v1/orders?limit=1"),
            ("webhooks", "/v1/deliveries?limit=1"),
        )

        async def is_refused() -> bool:
            answers = await asyncio.gather(
                *(
                    self._http.get(self._url(service, path), headers=self._bearer(token))
                    for service, path in places
                )
            )
            return {answer.status_code for answer in answers} == {_UNAUTHORIZED}

        await self._http.delete(
            self._url("connections", "/v1/sessions/current"), headers=self._bearer(token)
        )
        started = time.perf_counter()
        await self._until(is_refused)
        return (time.perf_counter() - started) * 1_000

    # --- logging in -------------------------------------------------------------------------

    async def _log_ins(self) -> Json:
        """How many a second, and what many wrong ones at once do to a right one."""
        until = time.perf_counter() + _LOG_IN_SECONDS
        took: list[float] = []

        async def again() -> None:
            while time.perf_counter() < until:
                started = time.perf_counter()
                await self._log_in(self._own.three_pl_email)
                took.append((time.perf_counter() - started) * 1_000)

        await asyncio.gather(*(again() for _ in range(_LOG_INS_AT_ONCE)))
        wrong = [
            asyncio.create_task(self._try(f"{uuid4().hex}@bench.example", "not the password"))
            for _ in range(_WRONG)
        ]
        # From another network: who guesses is not who is guessed.
        elsewhere = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
        async with httpx.AsyncClient(transport=elsewhere, timeout=30) as victim:
            await asyncio.sleep(0.05)
            started = time.perf_counter()
            right = await self._try(self._own.three_pl_email, PASSWORD, victim)
            right_ms = (time.perf_counter() - started) * 1_000
        return {
            "log_ins_per_second": round(len(took) / _LOG_IN_SECONDS, 1),
            "log_in_ms": ledger.percentiles(sorted(took)),
            "right_one_status": right,
            "right_one_ms": round(right_ms, 1),
            "wrong_at_once": dict(Counter(await asyncio.gather(*wrong))),
        }

    async def _try(self, email: str, password: str, client: httpx.AsyncClient | None = None) -> int:
        body = {"email": email, "password": password}
        url = self._url("connections", "/v1/sessions")
        return (await (client or self._http).post(url, json=body)).status_code

    async def _log_in(self, email: str) -> Json:
        body = {"email": email, "password": PASSWORD}
        return await self._post("connections", "/v1/sessions", "", body)

    # --- small words ------------------------------------------------------------------------

    @property
    def _token(self) -> str:
        return self._own.three_pl_token

    def _url(self, service: str, path: str) -> str:
        return self._stack.urls[service] + path

    def _bearer(self, token: str) -> dict[str, str]:
        return {"authorization": f"Bearer {token}"} if token else {}

    async def _get(self, service: str, path: str) -> Json:
        answer = await self._http.get(self._url(service, path), headers=self._bearer(self._token))
        answer.raise_for_status()
        found: Json = answer.json()
        return found

    async def _post(self, service: str, path: str, token: str, body: Any = None) -> Json:
        answer = await self._http.post(
            self._url(service, path), json=body, headers=self._bearer(token)
        )
        answer.raise_for_status()
        found: Json = answer.json()
        return found

    async def _until(self, condition: Callable[[], Awaitable[Any]]) -> Any:
        """The first true answer; asked again at once, for the time is what is measured."""
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            found = await condition()
            if found:
                return found
        raise TimeoutError(f"not within {_SECONDS:g} s; see {self._stack.directory}/logs")
