"""Settings that every service reads from its environment, `RELEVO_*`."""

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _cidr(value: str) -> str:
    ip_network(value)
    return value


class ProcessSettings(BaseSettings):
    """What every process has: an address, a database, the sealing keys, a log.

    Each service's own settings subclass this, or `Settings`, and start with the service's name
    (`RELEVO_INGEST_MAX_BODY_BYTES`).
    """

    model_config = SettingsConfigDict(env_prefix="RELEVO_", frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    port: int = 8000
    postgres_dsn: SecretStr
    postgres_pool_size: int = Field(default=10, ge=2)
    postgres_read_pool_size: int = Field(
        default=5, ge=1, description="Sessions for what the API only shows; apart from all work."
    )
    postgres_read_seconds: float = Field(
        default=5.0, ge=0.001, description="How long a read of the API may take; beyond: 503."
    )
    sealing_keys: SecretStr = Field(
        description="`kid:base64url-of-32-bytes[,…]`; the first seals, all of them open.",
    )
    log_level: str = "info"
    log_format: str = Field(default="json", pattern="^(json|console)$")
    shutdown_seconds: float = Field(
        default=20.0,
        gt=0,
        description="All that a stop may take, whatever hangs; less than the grace period.",
    )


class Settings(ProcessSettings):
    """And where Kafka is, who may ask, and where webhooks may go: for whatever reads the log."""

    kafka: str = Field(description="Bootstrap servers, `host:port[,host:port]`.")
    topic_prefix: str = Field(
        default="",
        description="Put before every topic and consumer group, to share a cluster.",
    )
    auth_jwks: str = Field(description="The public keys (JWKS, JSON) that access tokens verify by.")
    auth_issuer: str = "relevo"
    # The same where a webhook URL is saved and where it is connected to.
    webhooks_allowed_networks: tuple[Annotated[str, AfterValidator(_cidr)], ...] = Field(
        default=(),
        description="CIDRs that endpoints may be in although they are not public.",
    )
    webhooks_allow_http: bool = Field(default=False, description="Without TLS: local use only.")
    brake_run: int = Field(
        default=100,
        ge=0,
        description="Records that fail in a row before reading stops, loudly; 0: never.",
    )
    brake_ratio: float = Field(
        default=0.5, gt=0, le=1, description="Or this share of the senders of late."
    )
