"""CloudEvents 1.0 context attributes in Kafka binary mode: `ce_` headers."""

from datetime import UTC, datetime

from uuid_utils import uuid7


def cloud_event_headers(
    event_type: str, source: str, subject: str, traceparent: str | None = None
) -> dict[str, str]:
    """The attributes of a new event, with a new `ce_id`."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(uuid7()),
        "ce_type": event_type,
        "ce_source": source,
        "ce_subject": subject,
        "ce_time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "content-type": "application/json",
    }
    if traceparent:
        headers["traceparent"] = traceparent
    return headers
