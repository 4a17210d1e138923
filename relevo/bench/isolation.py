"""`relevo bench isolation`: do endpoints that never answer slow the others down?"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from relevo.bench import ledger, measure
from relevo.bench.run import (
    Load,
    Progress,
    Sending,
    Sink,
    await_arrivals,
    connect,
    ingest_urls,
    private_stack,
)

Json = dict[str, Any]
_HEALTHY, _HEALTHY_RATE = 10, 100.0
_HANGING_RATE = 50.0
_SENDERS = 32
_ALONE_ID, _BESIDE_ID, _HANGING_ID = 10_000_000, 20_000_000, 30_000_000


def isolation(say: Callable[[str], None], progress: Progress, seconds: int, hanging: int) -> Json:
    """p99 of healthy endpoints alone, then beside hanging ones, and the ratio.

    Args:
        say: what is going on.
        progress: what was delivered, of how many.
        seconds: of each half.
        hanging: endpoints that accept and never answer; 50 orders/s are theirs.
    """
    with private_stack(say) as stack, tempfile.TemporaryDirectory() as scratch:
        folder, ingest = Path(scratch), ingest_urls(stack)
        sink = Sink()
        processes = measure.Processes({**stack.pids(), "sink": sink.pid})
        try:
            healthy = connect(stack, [f"{sink.url}{n}" for n in range(_HEALTHY)])
            stuck_stores = connect(stack, [f"{sink.hanging_url}{n}" for n in range(hanging)])
            warm = Sending(ingest, healthy, Load(200, 16, None, 1), folder)
            _measure(warm, sink, processes, lambda *_: None)

            say("Healthy endpoints alone")
            orders = int(_HEALTHY_RATE * seconds)
            load = Load(orders, _SENDERS, _HEALTHY_RATE, _ALONE_ID)
            alone = _measure(Sending(ingest, healthy, load, folder), sink, processes, progress)

            say("The same beside endpoints that never answer")
            stuck = int(_HANGING_RATE * seconds)
            beside_load = Load(stuck, _SENDERS, _HANGING_RATE, _HANGING_ID)
            other = Sending(ingest, stuck_stores, beside_load, folder)
            other.start()
            load = Load(orders, _SENDERS, _HEALTHY_RATE, _BESIDE_ID)
            beside = _measure(Sending(ingest, healthy, load, folder), sink, processes, progress)
            other.end()
        finally:
            sink.end()
        return {
            "healthy_endpoints": _HEALTHY,
            "healthy_rate": _HEALTHY_RATE,
            "hanging_endpoints": hanging,
            "hanging_rate": _HANGING_RATE,
            "seconds": seconds,
            "alone": alone,
            "beside_hanging": beside,
            "p99_ratio": round(
                beside["latency_ms"]["p99"] / max(alone["latency_ms"]["p99"], 0.01), 2
            ),
            "balances": alone["lost"] == 0 and beside["lost"] == 0,
            "peak_rss_mb": processes.peak_megabytes(),
            "machine": measure.machine(),
        }


def _measure(
    sending: Sending, sink: Sink, processes: measure.Processes, progress: Progress
) -> Json:
    came_before = sink.count()
    sending.start()
    try:
        await_arrivals(sink, came_before, sending, processes, progress)
        sent = sending.result()
    finally:
        sending.end()
    first = sending.load.first_id
    arrivals = [
        (at, webhook_id, order - first)
        for at, webhook_id, order in sink.arrivals()
        if first <= order < first + sending.load.orders
    ]
    book = ledger.balance(sent["status"], arrivals)
    return {
        "latency_ms": ledger.percentiles(ledger.latencies(sent["scheduled"], arrivals)),
        "delivered": book.delivered,
        "refused": book.refused,
        "lost": book.lost,
        "duplicated": book.duplicated,
    }
