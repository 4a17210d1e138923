"""Logs, trace context, and every metric that Relevo exports, with its unit and meaning.

Logs are a fixed sentence plus machine-readable fields. Metric names follow Prometheus (base units,
`_total` for counters); each process shows those of its own service. Trace context is W3C
`traceparent`, made at the edge and carried in message headers to the last webhook.
"""

import logging
import re
import secrets
import sys
from collections.abc import Mapping

import structlog
from prometheus_client import Counter, Gauge, Histogram

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

MESSAGES = Counter(
    "relevo_messages_total",
    "Records read from a topic, by outcome (handled, parked, dead_letter).",
    ("topic", "outcome"),
)
BATCH_SECONDS = Histogram(
    "relevo_batch_duration_seconds",
    "Time to handle one batch of records, retries included.",
    ("topic",),
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60),
)
CONSUMER_LAG = Gauge(
    "relevo_consumer_lag_records",
    "Records of a topic that were not handled yet, of the partitions that this process reads.",
    ("topic",),
)
TRANSIENT_FAILURES = Counter(
    "relevo_transient_failures_total",
    "Times a batch had to wait because an engine was away.",
    ("topic",),
)
OUTBOX_RELAYED = Counter(
    "relevo_outbox_relayed_total", "Outbox messages acknowledged by Kafka.", ("schema",)
)
OUTBOX_OLDEST = Gauge(
    "relevo_outbox_oldest_age_seconds",
    "Age of the oldest outbox message, 0 when empty; measured by the leading relay.",
    ("schema",),
)
OUTBOX_ROWS = Gauge(
    "relevo_outbox_rows",
    "Messages in the outbox, those set aside included; new and aside counted up to 100,000 each.",
    ("schema",),
)
OUTBOX_WAITING_KEYS = Gauge(
    "relevo_outbox_waiting_keys",
    "Keys that Kafka did not take, to be tried again; their later messages wait behind.",
    ("schema",),
)
OUTBOX_PARKED = Gauge(
    "relevo_outbox_parked",
    "Messages that Kafka can never take, each with its key behind it; an operator has to act.",
    ("schema",),
)

OTHER_LOGS = Counter(
    "relevo_other_logs_total",
    "Partitions found to be another log than before, and read from their start.",
    ("topic",),
)

TAKEN_OVER = Counter(
    "relevo_events_taken_over_total",
    "Events of routing's own log that its database did not know: it was restored, or emptied.",
)

REQUESTS_REFUSED = Counter(
    "relevo_requests_refused_total",
    "Requests of stores and carriers that found no place, by the limit that they met (process, "
    "unproven, unproven_store, store, address; carriers, carrier_address).",
    ("limit",),
)
ORDERS_ACCEPTED = Counter(
    "relevo_orders_accepted_total", "Orders answered 2xx, by where.", ("where",)
)
ORDER_DECISIONS = Counter(
    "relevo_order_decisions_total",
    "What became of what stores sent, by outcome; `erased` was dropped, its brand is gone.",
    ("outcome",),
)
LABELS = Counter(
    "relevo_labels_total",
    "Answers of carriers to purchases of labels (bought, failed, unknown, later).",
    ("kind", "answer"),
)
LABELS_OLDEST = Gauge(
    "relevo_labels_oldest_unsettled_age_seconds",
    "Age of the oldest label of which it is not known whether it exists; 0 when there is none.",
)
WEBHOOKS_IGNORED = Counter(
    "relevo_webhooks_ignored_total",
    "Webhooks of platforms that were about no order.",
    ("platform",),
)
ORDERS_QUARANTINED = Counter(
    "relevo_orders_quarantined_total", "Bodies kept because they were not understood.", ("store",)
)
QUARANTINE_ENTRIES = Gauge(
    "relevo_quarantine_entries",
    "Bodies in quarantine, by store; counted up to 100,000 in all.",
    ("store",),
)
RECORDS_PARKED = Gauge(
    "relevo_records_parked", "Records of orders.received that failed, or wait behind one that did."
)
ORDERS_PARKED = Gauge(
    "relevo_orders_parked", "Orders that such records are about; an operator has to act."
)
HANDOVER_FAILURES = Counter(
    "relevo_handover_failures_total", "Chunks of hand-overs that failed and are tried again."
)
DELIVERY_ATTEMPTS = Counter(
    "relevo_delivery_attempts_total",
    "Attempts by outcome (delivered, redirect, rejected, gone, throttled, server_error, or the "
    "class of a network failure).",
    ("outcome",),
)
DELIVERY_ATTEMPT_SECONDS = Histogram(
    "relevo_delivery_attempt_duration_seconds",
    "Time of one attempt: connect, headers and body.",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
)
DELIVERIES_IN_FLIGHT = Gauge("relevo_deliveries_in_flight", "Attempts under way in this process.")
DELIVERIES_WAITING = Gauge(
    "relevo_deliveries_waiting", "Deliveries waiting in this process's memory."
)
DELIVERIES_BACKLOG = Gauge(
    "relevo_deliveries_backlog", "Unfinished deliveries in Postgres, counted up to 100,000."
)
DELIVERIES_BACKLOG_OLDEST = Gauge(
    "relevo_deliveries_backlog_oldest_seconds", "Age of the oldest unfinished delivery counted."
)
DELIVERIES_ORPHANED = Counter(
    "relevo_deliveries_orphaned_total",
    "Deliveries found waiting for a lane in which nothing was before them, and made due.",
)
RETURN_EFFECTIVE_SECONDS = Histogram(
    "relevo_return_effective_seconds",
    "Time from an order's return to the moment from which nothing of it is attempted for the first "
    "time. A process that held something of it while another one read the return counts from then.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600),
)
ATTEMPTS_UNWRITTEN = Gauge(
    "relevo_attempts_unwritten", "Attempts whose outcome is not in Postgres yet."
)


def configure_logging(level: str, log_format: str, service: str) -> None:
    """Logs to standard error, one JSON object a line (or readable lines with `console`)."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    shared_processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared_processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    formatter = structlog.stdlib.ProcessorFormatter(
        processor=renderer, foreign_pre_chain=shared_processors
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


def traceparent_of(headers: Mapping[str, str]) -> str:
    """The caller's `traceparent` when well-formed (W3C Trace Context, 3.2), else a new one."""
    given = headers.get("traceparent", "")
    if _TRACEPARENT.fullmatch(given):
        return given
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
