"""Settings of the connections service, `RELEVO_*`."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from shared.settings import Settings as SharedSettings
from shared.web.revocations import MOST_TOKEN_SECONDS


class Settings(SharedSettings):
    """What every service reads, and the keys that only this one may know."""

    port: int = 8001
    connections_signing_key: SecretStr = Field(
        description="The private Ed25519 key (JWK, JSON, with `kid`) that access tokens are "
        "signed with; its public half stands in `auth_jwks`.",
    )
    connections_operator_key: SecretStr = Field(
        min_length=16, description="The bearer key of the operator, who changes plans."
    )
    connections_public_url: str = Field(
        default="http://127.0.0.1:8001", description="Where programs find it: its metadata says so."
    )
    connections_console_url: str = Field(
        default="http://127.0.0.1:8000",
        description="Where browsers find the console: what login links and mails start with.",
    )
    connections_token_seconds: int = Field(default=600, ge=1, le=MOST_TOKEN_SECONDS)
    connections_attempts_of_network: int = Field(
        default=100,
        ge=1,
        description="How often one network may try to log in, or ask for mails, in 15 minutes; "
        "more for an installation behind one proxy.",
    )
    connections_login_link_hours: float = Field(default=48, gt=0)

    connections_sweep_seconds: float = Field(
        default=300, gt=0, description="How often what has had its time is looked for."
    )

    connections_smtp_host: str = Field(
        default="", description="The mail server; without one, mails are files."
    )
    connections_smtp_port: int = Field(default=587, ge=1, le=65_535)
    connections_smtp_tls: Literal["none", "starttls", "tls"] = "starttls"
    connections_smtp_user: str = ""
    connections_smtp_password: SecretStr = SecretStr("")
    connections_mail_from: str = Field(
        default="", description="Whom mails come from: `Relevo <relevo@example.com>`."
    )
    connections_mail_contact: str = Field(
        default="", description="Whom readers of mails may ask; an address or a link."
    )
    connections_mail_folder: Path = Field(
        default=Path(".relevo/mail"), description="Where mails go without a mail server."
    )
    connections_mail_concurrency: int = Field(default=4, ge=1, le=100)
    connections_mail_send_seconds: float = Field(default=30, gt=0)
    connections_mail_poll_seconds: float = Field(default=10, gt=0)
    connections_mail_retry_seconds: float = Field(
        default=30, gt=0, description="The longest wait before the second attempt; then it doubles."
    )
    connections_mail_keep_days: float = Field(
        default=90, gt=0, description="How long it is known who got what mail, and when."
    )

    @model_validator(mode="after")
    def _mails_come_from_somebody(self) -> Self:
        if self.connections_smtp_host and "@" not in self.connections_mail_from:
            raise ValueError("RELEVO_CONNECTIONS_MAIL_FROM: a mail server needs an address here")
        return self
