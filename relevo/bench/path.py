"""`relevo bench path`: what the path of an order costs, from the store's POST to the 3PL's."""

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from relevo import __version__
from relevo.bench import ledger, measure
from relevo.bench.run import (
    Load,
    Progress,
    Sending,
    Sink,
    await_arrivals,
    connect,
    private_stack,
    unfinished,
)
from relevo.local.stack import Stack

Json = dict[str, Any]
_WARM_UP = Load(orders=500, senders=16, rate=None, first_id=1)


def path(load: Load, stores: int, say: Callable[[str], None], progress: Progress) -> Json:
    """One run on a stack of its own; the figures.

    500 orders before it warm the processes up and are not counted.
    """
    with private_stack(say) as stack, tempfile.TemporaryDirectory() as scratch:
        sink = Sink()
        try:
            connected = connect(stack, [f"{sink.url}{n}" for n in range(stores)])
            say("Warming up")
            _run(Sending(stack.urls["ingest"], connected, _WARM_UP, Path(scratch)), sink, stack)
            say(f"Sending {load.orders} orders")
            sending = Sending(stack.urls["ingest"], connected, load, Path(scratch))
            return _run(sending, sink, stack, progress)
        finally:
            sink.end()


def _run(sending: Sending, sink: Sink, stack: Stack, progress: Progress = lambda *_: None) -> Json:
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
        "cpu_seconds_per_1000": _per_thousand(cpu, load.orders),
        "machine_percent": machine_percent,
        "peak_rss_mb": processes.peak_megabytes(),
        "machine": measure.machine(),
        "version": __version__,
    }


def _per_order(count: int, orders: int) -> float:
    return round(count / orders, 4)


def _per_thousand(cpu: Mapping[str, float], orders: int) -> dict[str, float]:
    spent = {name: round(seconds * 1_000 / orders, 3) for name, seconds in cpu.items()}
    return {**spent, "total": round(sum(spent.values()), 3)}
