"""The ledger of a run, and what it says about latency. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_HTTP_OK = range(200, 300)


@dataclass(frozen=True)
class Ledger:
    """sent = delivered + pending + refused, or the run is void."""

    sent: int
    refused: int
    delivered: int
    pending: int
    duplicated: int

    @property
    def lost(self) -> int:
        """Accepted, and nowhere."""
        return self.sent - self.refused - self.delivered - self.pending

    @property
    def balances(self) -> bool:
        """Whether everything is accounted for."""
        return self.lost == 0


def balance(
    status: Sequence[int],
    arrivals: Sequence[tuple[float, str, int]],
    unfinished: Iterable[int] = (),
) -> Ledger:
    """The ledger.

    Args:
        status: HTTP status by order index; 0 for no answer.
        arrivals: (monotonic seconds, webhook-id, order index), in any order.
        unfinished: order indexes with a delivery that is stored and not finished.
    """
    seen = Counter(webhook_id for _, webhook_id, _ in arrivals)
    accepted = {index for index, code in enumerate(status) if code in _HTTP_OK}
    # An order that was refused or unanswered and arrived all the same is no loss.
    delivered = {index for _, _, index in arrivals} & accepted
    return Ledger(
        sent=len(status),
        refused=len(status) - len(accepted),
        delivered=len(delivered),
        # What arrived a moment ago may not be written as delivered yet.
        pending=len((set(unfinished) & accepted) - delivered),
        duplicated=sum(count - 1 for count in seen.values()),
    )


def latencies(
    scheduled: Sequence[float], arrivals: Sequence[tuple[float, str, int]]
) -> list[float]:
    """Milliseconds from the scheduled send to the first arrival, sorted."""
    first: dict[int, float] = {}
    for at, _, index in arrivals:
        first[index] = min(at, first.get(index, at))
    return sorted((at - scheduled[index]) * 1_000 for index, at in first.items())


def percentiles(values: Sequence[float]) -> Mapping[str, float]:
    """p50, p95, p99 and max of sorted values, by the nearest rank."""
    if not values:
        return {"p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0}

    def rank(percent: float) -> float:
        return values[max(0, -(-len(values) * int(percent * 100) // 10_000) - 1)]

    return {
        "p50": round(rank(50), 2),
        "p95": round(rank(95), 2),
        "p99": round(rank(99), 2),
        "max": round(values[-1], 2),
    }
