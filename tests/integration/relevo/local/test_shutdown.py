"""SIGTERM while everything hangs: each service ends in time, and nothing is lost afterwards."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
import httpx
import psutil
import pytest

from relevo.local.engines import Engine
from relevo.local.processes import free_port, spawn, tail
from relevo.local.stack import ROOT, Stack
from relevo.operate.status import health
from relevo.waiting import wait_for
from services.catalog import NAMES
from tests.acceptance.world import ThreePl, World
from tests.kit.receiver import Receiver

pytestmark = [pytest.mark.engines, pytest.mark.timeout(240)]
_BUDGET_SECONDS = 6.0
# For a busy machine; a stop that adds its parts up takes more than twice the budget.
_SLACK_SECONDS = 4.0
_SETTINGS = {
    "RELEVO_SHUTDOWN_SECONDS": str(_BUDGET_SECONDS),
    "RELEVO_WEBHOOKS_ATTEMPT_SECONDS": "20",
    "RELEVO_WEBHOOKS_LEASE_SECONDS": "21",
    "RELEVO_WEBHOOKS_RETRY_SCHEDULE_SECONDS": "[0,0.5,1,1,1,1,1,1,1,1]",
}

# Not even the event loop goes on.
_STUCK = """
import sys, time
from contextlib import asynccontextmanager
from fastapi import FastAPI
from shared.process import serve
from shared.settings import Settings

@asynccontextmanager
async def lifespan(_):
    yield
    time.sleep(600)

serve(lambda: FastAPI(lifespan=lifespan), Settings(
    port=int(sys.argv[1]), shutdown_seconds=1, kafka="", sealing_keys="", auth_jwks="",
    postgres_dsn="",
), "stuck")
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("stack"), _SETTINGS)
    try:
        stack.start()
        yield stack
    finally:
        stack.remove()


@contextmanager
def frozen(engine: Engine) -> Iterator[None]:
    """Its connections stay open, and it answers nothing: worse than being gone."""
    server = psutil.Process(engine.pid)
    processes = [server, *server.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            if process.is_running():
                process.resume()


async def _begin_request(stack: Stack, service: str, path: str) -> asyncio.StreamWriter:
    """A request whose body never comes."""
    _, writer = await asyncio.open_connection("127.0.0.1", stack.ports[service])
    head = f"POST {path} HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\n"
    writer.write(f"{head}content-length: 100\r\n\r\n{{".encode())
    await writer.drain()
    return writer


@asynccontextmanager
async def a_world(stack: Stack) -> AsyncIterator[tuple[World, Receiver]]:
    async with (
        Receiver() as receiver,
        httpx.AsyncClient(timeout=30, trust_env=False) as client,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as store_client,
    ):
        world = World(stack, client, store_client, ThreePl(receiver))
        await world.connect()
        yield world, receiver


async def _stop_all(stack: Stack) -> dict[str, float]:
    """How long each took."""
    started = time.monotonic()

    async def stop(name: str) -> float:
        await asyncio.to_thread(stack.stop_service, name)
        return time.monotonic() - started

    return dict(zip(NAMES, await asyncio.gather(*map(stop, NAMES)), strict=True))


@pytest.mark.parametrize("away", ["kafka", "postgres"])
async def test_whatever_hangs_a_stop_keeps_its_time_and_loses_nothing(
    stack: Stack, away: str
) -> None:
    async with a_world(stack) as (world, receiver):
        answer, receiver.answer = receiver.answer, receiver.hang
        await world.send("1")
        await receiver.has(1)
        requests = [
            await _begin_request(stack, "connections", "/v1/accounts"),
            await _begin_request(stack, "ingest", f"/v1/stores/{world.store_id}/orders"),
        ]
        sent = {"1"}
        with frozen(stack.kafka if away == "kafka" else stack.postgres):
            if away == "kafka":  # accepted, and Kafka has it not
                await world.send("2")
                sent.add("2")
            took = await _stop_all(stack)
        assert max(took.values()) < _BUDGET_SECONDS + _SLACK_SECONDS, took
        for request in requests:
            request.close()
        receiver.answer = answer
        for name in NAMES:
            stack.launch(name)
        await asyncio.to_thread(stack.wait_ready)
        await world.balance(sent)


def test_a_process_that_is_stuck_ends_all_the_same_and_says_where_it_stood(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "stuck.log"
    process = spawn([sys.executable, "-c", _STUCK, str(port)], log, cwd=ROOT)
    try:
        assert wait_for(lambda: "404" in str(health(f"http://127.0.0.1:{port}")), 30), tail(log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 1
    finally:
        process.kill()
        process.wait()
    assert "in lifespan" in log.read_text()
