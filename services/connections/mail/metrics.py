"""What the sender of mails counts."""

from prometheus_client import Counter, Gauge

MAILS = Counter(
    "relevo_mails_total",
    "Mails by kind and outcome (sent, retried, failed, suppressed); retried counts every attempt.",
    ("kind", "outcome"),
)
MAILS_WAITING = Gauge("relevo_mails_waiting", "Mails that are to be sent, counted up to 100,000.")
MAILS_OLDEST = Gauge(
    "relevo_mails_waiting_oldest_seconds", "For how long the oldest of them has been waiting."
)
