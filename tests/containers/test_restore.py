"""`docs/operations/restore.md` as an operator types it, against the compose file."""

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from relevo.mails import Mailboxes, Received
from services.catalog import NAMES
from tests.containers.composed import Compose
from tests.containers.engines import ROOT
from tests.kit.client import Api, Party
from tests.kit.waiting import eventually

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]
_PAGE = ROOT / "docs" / "operations" / "restore.md"
NOON = "2026-03-01T12:00:00Z"


def commands(page: Path) -> list[str]:
    """The blocks that are to be typed, in order."""
    return re.findall(r"^```bash\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


# For an image whose client is older than its server, and cannot dump: the same by copying. The
# official image is not one of them.
_SERVICES = " ".join(NAMES)
_PSQL = "docker compose exec -T postgres psql --username relevo --dbname postgres --command"
_COPIED = (
    (
        f"docker compose stop {_SERVICES}\n"
        f"{_PSQL} 'CREATE DATABASE relevo_copy TEMPLATE relevo'\n"
        "docker compose up --wait\n"
    ),
    (
        f"docker compose stop {_SERVICES}\n"
        f"{_PSQL} 'DROP DATABASE relevo WITH (FORCE)'\n"
        f"{_PSQL} 'ALTER DATABASE relevo_copy RENAME TO relevo'\n"
        "docker compose up --wait\n"
    ),
)


def can_dump(compose: Compose) -> bool:
    """Whether the client in the image is as new as the server."""
    said = [
        compose.run("exec", "-T", "postgres", name, "--version").stdout
        for name in ("pg_dump", "postgres")
    ]
    client, server = (int(re.findall(r" (\d+)", one)[0]) for one in said)
    return client >= server


def type_in(compose: Compose, block: str) -> None:
    """Run a block as it stands, in the folder of the installation."""
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("RELEVO_", "POSTGRES_"))},
        "COMPOSE_FILE": str(ROOT / "docker-compose.yml"),
        "COMPOSE_PROJECT_NAME": compose.project,
        "COMPOSE_ENV_FILES": str(compose.folder / ".env"),
    }
    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", block],
        cwd=compose.folder,
        env=environment,
        capture_output=True,
        check=False,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, f"{block}\n{done.stderr[-4_000:]}"


@dataclass(frozen=True)
class Mailbox:
    """The mails in the container, as a folder is read."""

    mailboxes: Mailboxes

    def to(self, address: str) -> list[Received]:
        """The mails to an address, the newest last."""
        return self.mailboxes.to(address)

    async def wait_for(self, address: str, count: int = 1) -> list[Received]:
        """The same, once there are so many."""

        async def look() -> list[Received]:
            return self.to(address)

        return await eventually(look, lambda mails: len(mails) >= count)


class Warehouse:
    """A 3PL with a client, at all services of the installation."""

    def __init__(self, compose: Compose, client: httpx.AsyncClient) -> None:
        self.compose = compose
        self.client = client

    async def connect(self) -> None:
        """From signing up to an active connection."""
        async with httpx.AsyncClient(
            base_url=self.compose.url("connections", ""), timeout=30, trust_env=False
        ) as client:
            mailbox: Any = Mailbox(self.compose.mailboxes)
            api = Api(client, self.compose.operator_key, mailbox)
            three_pl, brand, added = await api.connected()
            self.three_pl, self.brand = three_pl, brand
            self.connection, self.store = added["connection"]["id"], added["store"]["id"]
            credential = {"kind": "api_key"}
            created = await brand.post(f"/v1/stores/{self.store}/credentials", credential)
            self.key = created["secret"]

    async def ask(
        self, service: str, method: str, path: str, party: Party | None = None, body: Any = None
    ) -> httpx.Response:
        """One request; `party` None is the store itself."""
        token = party.token if party else self.key
        return await self.client.request(
            method,
            self.compose.url(service, path),
            json=body,
            headers={"authorization": f"Bearer {token}"},
        )

    async def switch(self, command: str) -> None:
        """Activate or deactivate, and wait until routing knows."""
        path = f"/v1/connections/{self.connection}"
        found = await self.ask("connections", "GET", path, self.three_pl)
        answer = await self.client.post(
            self.compose.url("connections", f"{path}/{command}"),
            headers={
                "authorization": f"Bearer {self.three_pl.token}",
                "if-match": f'"{found.json()["version"]}"',
            },
        )
        assert answer.is_success, answer.text
        preview = f"/v1/handovers/preview?connection={self.connection}"

        async def known() -> Any:
            return (await self.ask("routing", "GET", preview, self.three_pl)).json()

        wanted = answer.json()["version"]
        await eventually(known, lambda said: said.get("version") == wanted, 30)

    async def send(self, *external_ids: str) -> None:
        """Orders of the store, accepted."""
        for external_id in external_ids:
            order = {
                "external_id": external_id, "created_at": NOON, "updated_at": NOON,
                "currency": "EUR", "total": "10.00",
                "lines": [{"sku": "A", "title": "Mug", "quantity": 1, "price": "10.00"}],
            }  # fmt: skip

            async def accepted(order: Any = order) -> int:
                path = f"/v1/stores/{self.store}/orders"
                return (await self.ask("ingest", "POST", path, body=order)).status_code

            # The store is told to ingest by the log.
            await eventually(accepted, lambda status: status == 202, 30)

    async def orders(
        self, party: Party, wanted: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        """The party's orders by external id: id, status and version, once they are as wanted."""

        async def look() -> dict[str, Any]:
            answer = await self.ask("routing", "GET", "/v1/orders?limit=100", party)
            if not answer.is_success:
                return {"refused": answer.text}
            return {
                one["external_id"]: (one["id"], one["status"], one["version"])
                for one in answer.json()["data"]
            }

        return await eventually(look, wanted, 30)


async def test_restored_as_the_page_says_custody_is_what_it_was(compose: Compose) -> None:
    back_up, restore = commands(_PAGE) if can_dump(compose) else _COPIED
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        here = Warehouse(compose, client)
        await here.connect()
        await here.switch("activate")
        await here.send("1", "2")
        await here.orders(here.three_pl, lambda found: set(found) == {"1", "2"})
        type_in(compose, back_up)

        await here.send("3", "4")
        found = await here.orders(here.three_pl, lambda found: set(found) == {"1", "2", "3", "4"})
        for external_id in ("1", "3"):
            order_id, _, version = found[external_id]
            path = f"/v1/orders/{order_id}/process"
            answer = await here.ask("routing", "POST", path, here.three_pl, {"version": version})
            assert answer.is_success, answer.text
        await here.switch("deactivate")
        theirs = await here.orders(here.three_pl, lambda found: set(found) == {"1", "3"})
        brands = await here.orders(here.brand, lambda found: {"2", "4"} <= set(found))

        type_in(compose, restore)
        assert await here.orders(here.three_pl, lambda found: "refused" not in found) == theirs
        assert await here.orders(here.brand, lambda found: "refused" not in found) == brands
        # What was accepted is not lost and what is off stays off: new orders are the brand's.
        await here.send("5")
        await here.orders(here.brand, lambda found: "5" in found)
        assert set(await here.orders(here.three_pl, bool)) == {"1", "3"}
        # The ids that the 3PL holds still work.
        order_id, _, version = theirs["3"]
        shipped = await here.ask(
            "routing", "POST", f"/v1/orders/{order_id}/ship", here.three_pl, {"version": version}
        )
        assert shipped.is_success, shipped.text
