"""Settings of routing, `RELEVO_ROUTING_*`."""

from pydantic import Field

import shared.settings
from services import catalog


class Settings(shared.settings.Settings):
    """How much is done in one transaction."""

    port: int = catalog.PORTS["routing"]
    routing_batch_records: int = Field(default=500, ge=1, le=5_000)
    routing_fetch_max_wait_ms: int = Field(
        default=15,
        ge=0,
        le=1_000,
        description="How long an order may wait for others to be decided on with. All that follows "
        "works in the batches made here (docs/performance.md).",
    )
    routing_sweep_chunk: int = Field(
        default=5_000, ge=1, le=50_000, description="Orders handed back in one transaction."
    )
