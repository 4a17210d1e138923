"""Settings of webhooks, `RELEVO_WEBHOOKS_*`."""

from typing import Self

from pydantic import Field, model_validator

import shared.settings
from services.webhooks.backoff import DEFAULT_SCHEDULE


class Settings(shared.settings.Settings):
    """How hard webhooks tries."""

    port: int = 8004
    webhooks_batch_records: int = Field(default=500, ge=1, le=5_000)
    webhooks_retry_schedule_seconds: tuple[float, ...] = Field(
        default=DEFAULT_SCHEDULE,
        min_length=1,
        description="The longest wait before each attempt; the first is made at once.",
    )
    webhooks_attempt_seconds: float = Field(
        default=15.0, gt=0, description="Deadline of one attempt: connect, headers and body."
    )
    webhooks_lease_seconds: float = Field(
        default=60.0, gt=0, description="How long a delivery in memory is this process's alone."
    )
    webhooks_concurrency: int = Field(
        default=16, ge=1, description="First attempts under way at one endpoint."
    )
    webhooks_retry_concurrency: int = Field(
        default=4, ge=1, description="Retries under way at one endpoint, besides."
    )
    webhooks_queue_deliveries: int = Field(
        default=1_000, ge=1, description="Deliveries in memory for one endpoint; more stay stored."
    )
    webhooks_memory_bytes: int = Field(
        default=256 * 1024 * 1024,
        ge=0,
        description="Bodies in memory before every endpoint is held to what it has under way.",
    )
    webhooks_endpoint_memory_bytes: int = Field(
        default=32 * 1024 * 1024,
        ge=1,
        description="Bodies in memory for one endpoint before more stay stored; one always fits.",
    )
    webhooks_in_flight: int = Field(
        default=8_000, ge=1, description="Attempts under way in all; each holds a socket."
    )
    webhooks_poll_seconds: float = Field(
        default=1.0, gt=0, description="How often to look for work that no event told of."
    )
    webhooks_orphan_seconds: float = Field(
        default=60.0, gt=0, description="How often to look for what waits for a lane in vain."
    )
    webhooks_flush_seconds: float = Field(
        default=0.1, ge=0, description="How long outcomes gather before they are written."
    )
    webhooks_unwritten_outcomes: int = Field(
        default=10_000, ge=1, description="Outcomes in memory before new work has to wait."
    )

    @model_validator(mode="after")
    def _lease_covers_an_attempt(self) -> Self:
        if self.webhooks_lease_seconds <= self.webhooks_attempt_seconds:
            raise ValueError("webhooks_lease_seconds must be longer than webhooks_attempt_seconds")
        return self
