"""The one list of what there is: the services, and the platforms that stores may be on.

Everything that names services one by one reads it: migrations, the local stack, the demo, the
generated documents, the check of `docker-compose.yml`. It imports none of them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Service:
    """A service: `services/<name>/`, with the schema `<name>`.

    `port` is where it listens unless `RELEVO_PORT` says otherwise; `reads` and `writes` are topics
    (`shared/kafka/topics.py`). `has_api`: it is asked by programs, and has a document of that.
    """

    name: str
    port: int
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    has_api: bool = True

    @property
    def module(self) -> str:
        """What `python -m` starts."""
        return f"services.{self.name}"


SERVICES = (
    Service(
        "connections",
        8001,
        # Its own too: after a restore it goes on above what they say.
        reads=("notices", "connections.changed", "stores.changed"),
        writes=(
            "connections.changed",
            "stores.changed",
            "accounts.changed",
            "signing-keys.changed",
        ),
    ),
    Service(
        "ingest",
        8002,
        reads=("stores.changed", "connections.changed"),
        writes=("orders.received", "notices"),
    ),
    Service(
        "routing",
        8003,
        reads=("orders.received", "shipments.events", "connections.changed", "stores.changed"),
        # Of its own topics too: what a claim's copy of an order knew is decided on once more.
        writes=("orders.events", "orders.received", "notices"),
    ),
    Service("webhooks", 8004, reads=("orders.events", "connections.changed"), writes=("notices",)),
    # Beside the path of an order, never on it.
    Service("fulfilment", 8005, reads=("orders.events",), writes=("shipments.events", "notices")),
    # Asks the others, as any client of theirs; browsers ask it.
    Service("console", 8000, has_api=False),
)
# What every service with an API reads, connections too: whose tokens are good, and whose data was
# erased (`shared/runtime.py`).
READ_BY_ALL = ("accounts.changed", "signing-keys.changed")
NAMES = tuple(service.name for service in SERVICES)
API_NAMES = tuple(service.name for service in SERVICES if service.has_api)
PORTS = {service.name: service.port for service in SERVICES}


@dataclass(frozen=True, slots=True)
class Platform:
    """What a store may run on; with `webhooks` it is a folder of `services/ingest/platforms/`."""

    name: str
    webhooks: bool


PLATFORMS = (
    # The generic order API, and whatever a store's own developers write against it.
    Platform("custom", webhooks=False),
    Platform("shopify", webhooks=True),
    # Stores are known by it already; their webhooks are to come.
    Platform("woocommerce", webhooks=False),
)
PLATFORM_NAMES = tuple(platform.name for platform in PLATFORMS)
WEBHOOK_PLATFORMS = tuple(platform.name for platform in PLATFORMS if platform.webhooks)
