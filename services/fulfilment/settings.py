"""Settings of fulfilment, `RELEVO_FULFILMENT_*`."""

from pydantic import Field, SecretStr

import shared.settings
from services import catalog
from services.fulfilment.carriers.sendcloud.carrier import PRODUCTION


class Settings(shared.settings.Settings):
    """How much is done in one transaction, who the operator is, where links lead, mails."""

    port: int = catalog.PORTS["fulfilment"]
    fulfilment_batch_records: int = Field(default=500, ge=1, le=5_000)
    fulfilment_fetch_max_wait_ms: int = Field(
        default=100,
        ge=0,
        le=1_000,
        description="How long an event may wait for others to be read with: nobody waits for "
        "fulfilment, and what it costs is the path's loss (docs/performance.md).",
    )
    fulfilment_operator_key: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="The operator's bearer key, the same as in connections; without one, nobody"
        " changes the platform's prices.",
    )
    fulfilment_carrier_seconds: float = Field(
        default=30.0, gt=0, description="Deadline of one call to a carrier."
    )
    fulfilment_carrier_requests: int = Field(
        default=64, ge=1, description="Webhooks of carriers inside at once; a network has a fourth."
    )
    fulfilment_label_concurrency: int = Field(
        default=8, ge=1, description="Labels that a process has under way at carriers at once."
    )
    fulfilment_label_poll_seconds: float = Field(
        default=2.0, gt=0, description="How often to look for labels that are due."
    )
    fulfilment_sendcloud_url: str = Field(
        default=PRODUCTION, description="Of Sendcloud's API, version 3."
    )
    fulfilment_public_url: str = Field(
        default=f"http://127.0.0.1:{catalog.PORTS['fulfilment']}",
        description="What links to attachments start with, in mails to carriers.",
    )
    fulfilment_mail_domain: str = Field(
        default="",
        max_length=200,
        description="Carriers answer to `tickets+…@` it; empty: their answers do not come back.",
    )
    fulfilment_mail_secret: SecretStr = Field(
        default=SecretStr(""),
        description="`whsec_…`: signs what the mail server sends to `POST /v1/mail/inbound`.",
    )
