"""Many commands at once: each is done or refused by itself, in one transaction."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from fastapi import FastAPI
from uuid_utils.compat import uuid7

from shared.contracts.connections_changed import ConnectionState
from shared.kafka.topics import ORDERS_EVENTS
from shared.postgres.database import Query
from tests.integration.routing.test_lists import a_caller, pages
from tests.kit.publishers import OrderPublisher, Topics
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines


async def test_each_command_has_its_result_in_the_order_of_the_request(  # noqa: PLR0915  one story
    app: FastAPI,
    make_token: Callable[..., str],
    topics: Topics,
    database: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop = OrderPublisher(topics)
    await shop.send(shop.order("brands"))
    await eventually(lambda: database.fetch("SELECT FROM orders"))
    await shop.set(ConnectionState.ACTIVE)
    await eventually(lambda: database.fetch("SELECT FROM connections"))
    await shop.send(*(shop.order(str(n)) for n in range(8)))
    await eventually(lambda: database.fetch("SELECT FROM orders"), lambda rows: len(rows) == 9)
    rows = await database.fetch("SELECT external_id, id FROM orders")
    ids = {row["external_id"]: str(row["id"]) for row in rows}
    three_pl = a_caller(app, make_token(shop.three_pl_id, "three_pl"))
    viewer = a_caller(app, make_token(shop.three_pl_id, "three_pl", "viewer"))
    async with three_pl, viewer:

        async def send(*commands: dict[str, Any]) -> list[Any]:
            answer = await three_pl.post("/v1/orders/commands", json={"commands": commands})
            assert answer.status_code == 200, answer.text
            results = answer.json()["results"]
            assert [one["order_id"] for one in results] == [one["order_id"] for one in commands]
            return [
                one["order"]["status"] if one["ok"] else one["problem"]["code"] for one in results
            ]

        def one(name: str, command: str, version: int = 1, **more: Any) -> dict[str, Any]:
            return {"order_id": ids.get(name, name), "command": command, "version": version, **more}

        missing = str(uuid7())
        hold = {"kind": "stock", "note": "out", "release_by": "brand"}
        assert await send(
            one("7", "process"),
            one(missing, "process"),
            one("brands", "process"),
            one("1", "process", 5),
            one("2", "ship"),
            one("3", "hold", hold=hold),
            one("4", "hold"),
            one("0", "process"),
        ) == [
            "processing", "not_found", "not_found", "version_conflict", "invalid_transition",
            "on_hold", "on_hold", "processing",
        ]  # fmt: skip
        held = {order["external_id"]: order["holds"] for order in await pages(three_pl, 50)}
        assert [(h["kind"], h["note"], h["release_by"]) for h in held["3"]] == [
            ("stock", "out", "brand")
        ]
        hold_id = held["4"][0]["id"]
        assert await send(
            one("3", "release", 2), one("4", "release", 2, hold_id=hold_id), one("7", "ship", 2)
        ) == ["not_hold_owner", "open", "shipped"]
        problem = (
            await three_pl.post("/v1/orders/commands", json={"commands": [one("1", "process", 5)]})
        ).json()["results"][0]["problem"]
        alone = await three_pl.post(f"/v1/orders/{ids['1']}/process", json={"version": 5})
        assert {**alone.json(), "instance": "/v1/orders/commands"} == problem
        events = await topics.all(ORDERS_EVENTS.name, at_least=9 + 6)
        assert len(events) == 9 + 6

        for wrong, pointer in (
            ([one("1", "process"), one("1", "hold")], "/commands"),
            ([one("1", "process", hold=hold)], "/commands/0"),
            ([one("1", "process", hold_id=hold_id)], "/commands/0"),
            ([one("1", "explode")], "/commands/0/command"),
            ([], "/commands"),
            ([one(str(UUID(int=n)), "process") for n in range(501)], "/commands"),
        ):
            answer = await three_pl.post("/v1/orders/commands", json={"commands": wrong})
            assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
            assert answer.json()["errors"][0]["pointer"] == pointer
        body = {"commands": [one("1", "process")]}
        refused = await viewer.post("/v1/orders/commands", json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "role_required")

        # As many statements for many as for one.
        asked: list[int] = []
        # What runs in the background has a context of its own.
        is_counted: ContextVar[bool] = ContextVar("is_counted")
        is_counted.set(True)
        for name in ("all", "run", "one", "value"):
            real = getattr(Query, name)

            async def counted(self: Query, *args: Any, real: Any = real, **more: Any) -> Any:
                if is_counted.get(False):
                    asked.append(1)
                return await real(self, *args, **more)

            monkeypatch.setattr(Query, name, counted)
        assert await send(one("1", "process")) == ["processing"]
        for_one = len(asked)
        assert await send(*(one(n, "process") for n in "256")) == ["processing"] * 3
        assert len(asked) == 2 * for_one

        # Refused by a connection that has ended, and nothing else is.
        await shop.set(ConnectionState.INACTIVE)
        await eventually(lambda: database.fetch("SELECT FROM handovers WHERE state = 'done'"))
        assert await send(one("4", "process", 3), one("1", "ship", 2)) == ["not_found", "shipped"]
