"""Settings of ingest, `RELEVO_INGEST_*`."""

from pydantic import Field

import shared.settings
from services import catalog


class Settings(shared.settings.Settings):
    """Limits of what one store and one process may send."""

    port: int = catalog.PORTS["ingest"]
    ingest_max_body_bytes: int = Field(default=1_048_576, ge=1_024)
    ingest_body_seconds: float = Field(
        default=30.0, gt=0, description="How long the body of a request may take; beyond: 408."
    )
    ingest_max_orders: int = Field(default=500, ge=1, description="Orders in one request.")
    ingest_acknowledge_seconds: float = Field(
        default=2.0, gt=0, description="How long Kafka may take before an order is spooled."
    )
    ingest_probe_seconds: float = Field(
        default=1.0, gt=0, description="While Kafka is away, how often it is tried again."
    )
    ingest_measure_seconds: float = Field(
        default=15.0, gt=0, description="How often the quarantine is counted, for the metrics."
    )
    ingest_arrival_seconds: float = Field(
        default=2.0, gt=0, description="How often it is written down which stores' orders arrive."
    )
    ingest_test_order_seconds: float = Field(
        default=3_600.0, gt=0, description="How long a test order lives before it is cancelled."
    )
    ingest_max_requests: int = Field(
        default=2_000, ge=1, description="Requests under way at once; beyond: 503."
    )
    ingest_unproven_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Of those, requests whose signature is not known yet, their body not being "
        "here; the rest is kept for senders that proved who they are.",
    )
    ingest_store_share: float = Field(
        default=0.25, gt=0, le=1, description="Of those, one store's."
    )
    ingest_address_share: float = Field(
        default=0.05,
        gt=0,
        le=1,
        description="Of those, from one address with a body that is still coming. Behind a proxy, "
        "FORWARDED_ALLOW_IPS has to name it, or all come from one address.",
    )
    ingest_store_rate: float = Field(default=1_000.0, gt=0, description="Requests/s of one store.")
    ingest_store_burst: int = Field(default=2_000, ge=1)
