"""`relevo bench path`: what the path of an order costs, from the store's POST to the 3PL's."""

import asyncio
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relevo import __version__
from relevo.bench import ledger, measure
from relevo.bench.profiles import recording
from relevo.bench.run import (
    FIRST_ID,
    Load,
    Progress,
    Sending,
    Sink,
    await_arrivals,
    connect,
    ingest_urls,
    private_stack,
    unfinished,
)
from relevo.local.stack import Stack

Json = dict[str, Any]
# 500 orders before all that is measured warm the processes up.
_WARM_UP = Load(orders=500, senders=16, rate=None, first_id=1)
_IDS_OF_LOAD = 10_000_000
BURST, IDLE = "burst", "idle"


@dataclass(frozen=True)
class Plan:
    """What is measured, one after the other on one stack.

    Args:
        loads: `burst` (as fast as answers come), `idle`, or orders a second in open loop.
        orders: of a burst.
        seconds: of a rate, and of idleness.
        senders: connections that send.
        stores: each with its own endpoint.
        workers: processes of each service on the path.
    """

    loads: Sequence[str] = (BURST,)
    orders: int = 20_000
    seconds: float = 20.0
    senders: int = 64
    stores: int = 10
    workers: int = 1

    def load(self, number: int) -> Load:
        """What the load of this number sends.

        Raises:
            ValueError: it is neither a word that is known nor a rate.
        """
        name, first_id = self.loads[number], FIRST_ID + number * _IDS_OF_LOAD
        if name == BURST:
            return Load(self.orders, self.senders, None, first_id)
        rate = float(name)
        return Load(max(1, round(rate * self.seconds)), self.senders, rate, first_id)


def path(
    plan: Plan, say: Callable[[str], None], progress: Progress, profiles: Path | None = None
) -> Json:
    """The figures of each load, by its name, on a stack of its own.

    Args:
        plan: what is measured.
        say: what is going on.
        progress: what was delivered, of how many.
        profiles: a folder for a flame graph of each service under each load; None for none.
    """
    found: dict[str, Json] = {}
    with private_stack(say, plan.workers) as stack, tempfile.TemporaryDirectory() as scratch:
        sink = Sink()
        try:
            connected = connect(stack, [f"{sink.url}{n}" for n in range(plan.stores)])
            ingest = ingest_urls(stack)
            say("Warming up")
            run_once(Sending(ingest, connected, _WARM_UP, Path(scratch)), sink, stack)
            for number, name in enumerate(plan.loads):
                with recording(_services(stack), profiles and profiles / name):
                    if name == IDLE:
                        say(f"Doing nothing for {plan.seconds:g} s")
                        found[name] = _idle(stack, plan.seconds)
                        continue
                    load = plan.load(number)
                    rate = f" at {load.rate:g}/s" if load.rate else ""
                    say(f"Sending {load.orders} orders{rate}")
                    sending = Sending(ingest, connected, load, Path(scratch))
                    found[name] = run_once(sending, sink, stack, progress)
        finally:
            sink.end()
    return {
        "loads": found,
        "balances": all(figures.get("balances", True) for figures in found.values()),
        "machine": measure.machine(),
        "version": __version__,
    }


def _services(stack: Stack) -> dict[str, int]:
    """Process ids of the services alone, by name."""
    return {name: pid for name, pid in stack.pids().items() if name in stack.services}


def _idle(stack: Stack, seconds: float) -> Json:
    """What everything costs while nothing is asked of it, in percent of one core."""
    processes = measure.Processes(stack.pids())
    processes.begin()
    time.sleep(seconds)
    spent = {name: round(cpu / seconds * 100, 2) for name, cpu in processes.cpu_seconds().items()}
    return {
        "core_percent": {**spent, "total": round(sum(spent.values()), 2)},
        "machine_percent": processes.machine_percent(),
    }


def run_once(
    sending: Sending, sink: Sink, stack: Stack, progress: Progress = lambda *_: None
) -> Json:
    """Send, await what arrives, and account for every order; the figures."""
    load = sending.load
    pids = {**stack.pids(), "generator": sending.pid, "sink": sink.pid}
    processes = measure.Processes(pids)
    came_before = sink.count()
    before = asyncio.run(measure.statements(stack.dsn))
    processes.begin()
    sending.start()
    try:
        await_arrivals(sink, came_before, sending, processes, progress)
        cpu = processes.cpu_seconds()
        machine_percent = processes.machine_percent()
        ran = asyncio.run(measure.statements(stack.dsn)).since(before)
        sent = sending.result()
    finally:
        sending.end()
    arrivals = [
        (at, webhook_id, order - load.first_id)
        for at, webhook_id, order in sink.arrivals()
        if load.first_id <= order < load.first_id + load.orders
    ]
    left = [order - load.first_id for order in asyncio.run(unfinished(stack))]
    book = ledger.balance(sent["status"], arrivals, left)
    began = min(sent["scheduled"])
    took = max((at for at, _, _ in arrivals), default=began) - began
    return {
        "mode": "open loop" if load.rate else "burst",
        "orders": load.orders,
        "rate": load.rate,
        "senders": load.senders,
        "orders_per_second": round(book.delivered / took, 1) if took else 0.0,
        "accepted_per_second": round(load.orders / (max(sent["finished"]) - began), 1),
        "latency_ms": ledger.percentiles(ledger.latencies(sent["scheduled"], arrivals)),
        "answer_ms": ledger.percentiles(
            sorted(
                (end - start) * 1_000
                for start, end in zip(sent["scheduled"], sent["finished"], strict=True)
            )
        ),
        "sent": book.sent,
        "delivered": book.delivered,
        "pending": book.pending,
        "refused": book.refused,
        "lost": book.lost,
        "duplicated": book.duplicated,
        "unsigned": sink.unsigned(),
        "balances": book.balances,
        "statements_per_order": _per_order(ran.total, load.orders),
        "transactions_per_order": _per_order(ran.transactions, load.orders),
        "statements": ran.calls,
        "statement_ms": ran.milliseconds,
        "cpu_seconds_per_1000": _per_thousand(cpu, load.orders),
        "machine_percent": machine_percent,
        "peak_rss_mb": processes.peak_megabytes(),
    }


def _per_order(count: int, orders: int) -> float:
    return round(count / orders, 4)


def _per_thousand(cpu: Mapping[str, float], orders: int) -> dict[str, float]:
    spent = {name: round(seconds * 1_000 / orders, 3) for name, seconds in cpu.items()}
    return {**spent, "total": round(sum(spent.values()), 3)}
