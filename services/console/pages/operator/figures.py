"""Out of a service's metrics, the figures that an operator looks at first. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from services.console.words.marks import N_


@dataclass(frozen=True, slots=True)
class Figure:
    """One number; `is_bad`: somebody has to act."""

    words: str
    value: float
    is_bad: bool


# Each metric in words, and whether any at all is too many.
_WORDS: Mapping[str, tuple[str, bool]] = {
    "relevo_outbox_rows": (N_("Messages in the outbox"), False),
    "relevo_outbox_oldest_age_seconds": (N_("Age of the oldest message, seconds"), False),
    "relevo_outbox_parked": (N_("Messages that Kafka can never take"), True),
    "relevo_consumer_lag_records": (N_("Records that wait to be read from Kafka"), False),
    "relevo_records_parked": (N_("Records that failed, or wait behind one that did"), True),
    "relevo_orders_parked": (N_("Orders that these records are about"), True),
    "relevo_deliveries_backlog": (N_("Deliveries that are not finished"), False),
    "relevo_deliveries_backlog_oldest_seconds": (
        N_("Age of the oldest delivery, seconds"),
        False,
    ),
    "relevo_quarantine_entries": (N_("Orders in quarantine"), False),
    "relevo_mails_waiting": (N_("Mails that wait"), False),
    "relevo_mails_waiting_oldest_seconds": (N_("Age of the oldest mail, seconds"), False),
}
_ALL = (
    "relevo_consumer_lag_records",
    "relevo_outbox_rows",
    "relevo_outbox_oldest_age_seconds",
    "relevo_outbox_parked",
)
# Every process exports all of them; these are what it knows about.
_OF: Mapping[str, Sequence[str]] = {
    "connections": (*_ALL, "relevo_mails_waiting", "relevo_mails_waiting_oldest_seconds"),
    "ingest": (*_ALL, "relevo_quarantine_entries"),
    "routing": (*_ALL, "relevo_records_parked", "relevo_orders_parked"),
    "fulfilment": _ALL,
    "webhooks": (
        *_ALL,
        "relevo_deliveries_backlog",
        "relevo_deliveries_backlog_oldest_seconds",
    ),
}
_DEAD = N_("Records given up as dead letters since the process started")


def figures(service: str, metrics: str) -> list[Figure]:
    """From the text of `/metrics` of a service, summed over labels."""
    sums: dict[str, float] = {}
    dead = 0.0
    for family in text_string_to_metric_families(metrics):
        if family.name in _WORDS:
            sums[family.name] = sum(sample.value for sample in family.samples)
        if family.name == "relevo_messages":
            dead += sum(
                sample.value
                for sample in family.samples
                if sample.name.endswith("_total") and sample.labels.get("outcome") == "dead_letter"
            )
    named = [(*_WORDS[name], sums[name]) for name in _OF[service] if name in sums]
    shown = [Figure(words, value, is_bad=acts and value > 0) for words, acts, value in named]
    return [*shown, Figure(_DEAD, dead, is_bad=dead > 0)]
