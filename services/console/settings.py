"""Settings of the console, `RELEVO_CONSOLE_*`."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import Field

import shared.settings


class Settings(shared.settings.ProcessSettings):
    """Where the APIs are, and what browsers are told."""

    port: int = 8000
    console_connections_url: str = "http://127.0.0.1:8001"
    console_ingest_url: str = "http://127.0.0.1:8002"
    console_routing_url: str = "http://127.0.0.1:8003"
    console_webhooks_url: str = "http://127.0.0.1:8004"
    console_fulfilment_url: str = "http://127.0.0.1:8005"
    console_public_url: str = Field(
        default="http://127.0.0.1:8000",
        description="Where browsers find the console; https decides how its cookies are kept.",
    )
    console_ingest_public_url: str = Field(
        default="",
        description="What stores are told to send orders to; by default where ingest is here.",
    )
    console_api_public_url: str = Field(
        default="",
        description="Where programs find the APIs of orders; by default where routing is here.",
    )
    console_api_seconds: float = Field(
        default=10.0, gt=0, description="How long an API may take before a page says so."
    )

    @property
    def apis(self) -> dict[str, str]:
        """Base URL of each service."""
        return {
            "connections": self.console_connections_url,
            "ingest": self.console_ingest_url,
            "routing": self.console_routing_url,
            "webhooks": self.console_webhooks_url,
            "fulfilment": self.console_fulfilment_url,
        }

    @property
    def api_public_url(self) -> str:
        """Where programs find what the screens of orders show."""
        return (self.console_api_public_url or self.console_routing_url).rstrip("/")

    @property
    def is_https(self) -> bool:
        """Whether browsers reach it by TLS."""
        return self.console_public_url.startswith("https:")

    @property
    def is_exposed(self) -> bool:
        """Whether passwords and orders cross a network in plain text."""
        host = urlsplit(self.console_public_url).hostname or ""
        return not (self.is_https or host == "localhost" or is_loopback(host))


def is_loopback(host: str) -> bool:
    """Whether a host is an address of this machine alone. Pure."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
