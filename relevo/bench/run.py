"""One run: the stores' process sends, the 3PLs' process receives, everything is measured."""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import asyncpg

from relevo.bench import measure
from relevo.demo.client import Client, Connected, connect_store, expect, sign_up_three_pl
from relevo.local.stack import ROOT, Stack
from relevo.local.workers import service_of
from relevo.mails import of_folder

Json = dict[str, Any]
Progress = Callable[[int, int], None]
SECRET = "shpss_bench_secret"  # noqa: S105  of stores that live as long as the run
_IDLE_SECONDS = 20.0
_SAMPLE_SECONDS = 2.0
# Shopify's ids are numbers beyond 2^53.
FIRST_ID = 9_007_199_254_740_993


class Process:
    """A child that speaks in lines."""

    def __init__(self, *command: str) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.pid = self._child.pid

    def line(self) -> str:
        """Its next line.

        Raises:
            RuntimeError: it ended.
        """
        text = self._child.stdout.readline() if self._child.stdout else ""
        if not text:
            raise RuntimeError(f"the bench's own process {self.pid} ended")
        return text.strip()

    def go(self) -> None:
        """Tell it to go on."""
        if self._child.stdin:
            self._child.stdin.write("\n")
            self._child.stdin.flush()

    def running(self) -> bool:
        """Whether it runs."""
        return self._child.poll() is None

    def end(self) -> None:
        """End it."""
        self._child.kill()
        self._child.communicate()


class Sink:
    """The receivers' process."""

    def __init__(self) -> None:
        self._process = Process("relevo.bench.sink")
        self.pid = self._process.pid
        answering, hanging = self._process.line().split()
        self.url = f"http://127.0.0.1:{answering}/"
        self.hanging_url = f"http://127.0.0.1:{hanging}/"

    def count(self) -> int:
        """How many webhooks arrived."""
        return int(self._get("count").split()[0])

    def unsigned(self) -> int:
        """How many of them carried no signature."""
        return int(self._get("count").split()[1])

    def arrivals(self) -> list[tuple[float, str, int]]:
        """(monotonic seconds, webhook-id, Shopify's id)."""
        lines = (line.split(" ") for line in self._get("dump").splitlines())
        return [(float(at), webhook_id, int(order)) for at, webhook_id, order in lines]

    def _get(self, what: str) -> str:
        with urlopen(f"{self.url}{what}", timeout=60) as answer:  # noqa: S310  our own sink
            text: str = answer.read().decode()
        return text

    def end(self) -> None:
        """End it."""
        self._process.end()


@dataclass(frozen=True)
class Load:
    """What to send: `rate` a second (None: as fast as answers come), over `senders` connections."""

    orders: int
    senders: int
    rate: float | None
    first_id: int = FIRST_ID


class Sending:
    """A generator that is built and waits for the word."""

    def __init__(
        self, urls: Sequence[str], stores: Sequence[Connected], load: Load, folder: Path
    ) -> None:
        self.load = load
        self._result = folder / f"result-{load.first_id}.json"
        addresses = [urlsplit(url) for url in urls]
        plan = {
            "host": addresses[0].hostname,
            "ports": [address.port for address in addresses],
            "stores": [{"id": store.store_id, "secret": store.shopify_secret} for store in stores],
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            **asdict(load),
        }
        plan_file = folder / f"plan-{load.first_id}.json"
        plan_file.write_text(json.dumps(plan))
        self._process = Process("relevo.bench.generator", str(plan_file), str(self._result))
        self.pid = self._process.pid
        self._process.line()

    def start(self) -> None:
        """Send."""
        self._process.go()

    @property
    def finished(self) -> bool:
        """Whether every request was answered."""
        return self._result.exists() and bool(self._result.stat().st_size)

    def result(self) -> Json:
        """Times and statuses by order index; waits until it is written."""
        self._process.line()
        found: Json = json.loads(self._result.read_text())
        return found

    def end(self) -> None:
        """End it."""
        self._process.end()


@contextmanager
def private_stack(say: Callable[[str], None], workers: int = 1) -> Iterator[Stack]:
    """A stack of its own in a temporary folder, without limits per store."""
    with tempfile.TemporaryDirectory(prefix="relevo-bench-") as folder, ExitStack() as stack:
        unlimited = {
            "RELEVO_INGEST_STORE_RATE": "1000000",
            "RELEVO_INGEST_STORE_BURST": "1000000",
            "RELEVO_CONNECTIONS_ATTEMPTS_OF_NETWORK": "1000000",
        }
        running = Stack(Path(folder) / "run", unlimited, progress=say, workers=workers)
        stack.callback(running.remove)
        running.start()
        yield running


def ingest_urls(stack: Stack) -> list[str]:
    """The address of each process of `ingest`."""
    return [stack.urls[name] for name in ingest_processes(stack)]


def ingest_processes(stack: Stack) -> list[str]:
    """What the processes of `ingest` are called."""
    return [name for name in stack.urls if service_of(name) == "ingest"]


def connect(stack: Stack, urls: Sequence[str]) -> list[Connected]:
    """A store with an active connection for each webhook URL."""
    client = Client(stack.urls, of_folder(stack.mail_folder))
    token, email = sign_up_three_pl(client, stack.operator_key, "Bench 3PL")
    stores = [connect_store(client, token, email, url, SECRET) for url in urls]
    for store in stores:
        path = f"/v1/stores/{store.store_id}"
        for entry in ingest_processes(stack):
            known = partial(client.get_status, entry, path, store.api_key)
            expect(
                f"{entry} to know a store",
                lambda known=known: known() == HTTPStatus.OK,  # type: ignore[misc]
                seconds=20,
                look_at=str(stack.log(entry)),
            )
    asyncio.run(_routing_knows(stack, stores))
    return stores


async def _routing_knows(stack: Stack, stores: Sequence[Connected]) -> None:
    deadline = time.monotonic() + 20
    connection = await asyncpg.connect(stack.dsn)
    query = "SELECT count(*) FROM routing.connections WHERE state = 'active' AND id = ANY($1)"
    try:
        while await connection.fetchval(query, [s.connection_id for s in stores]) < len(stores):
            if time.monotonic() > deadline:
                raise TimeoutError(f"routing does not know the stores; see {stack.log('routing')}")
            await asyncio.sleep(0.05)
    finally:
        await connection.close()


async def unfinished(stack: Stack) -> list[int]:
    """Shopify's ids of orders with a delivery that is stored and not finished."""
    connection = await asyncpg.connect(stack.dsn)
    try:
        rows = await connection.fetch(
            "SELECT o.external_id FROM webhooks.deliveries d JOIN routing.orders o "
            "ON o.id = d.order_id WHERE d.state <> 'delivered'"
        )
    finally:
        await connection.close()
    return [int(row["external_id"]) for row in rows]


def await_arrivals(
    sink: Sink, before: int, sending: Sending, processes: measure.Processes, progress: Progress
) -> None:
    """Until every order has arrived, or nothing has for a while after the last was sent.

    `before` webhooks had arrived ahead of this load.
    """
    seen, since = -1, time.monotonic()
    sampled_at = 0.0
    while True:
        count = sink.count() - before
        progress(count, sending.load.orders)
        # Walking /proc costs more than all the rest of watching.
        if time.monotonic() - sampled_at >= _SAMPLE_SECONDS:
            sampled_at = time.monotonic()
            processes.sample_memory()
        if count != seen:
            seen, since = count, time.monotonic()
        if count >= sending.load.orders and sending.finished:
            return
        if sending.finished and time.monotonic() - since > _IDLE_SECONDS:
            return
        time.sleep(0.25)
