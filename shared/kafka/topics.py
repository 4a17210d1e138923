"""The topics: what stands on each, how it keeps its records, and how they are created."""

import asyncio
import time
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code
from pydantic import BaseModel

from shared.contracts.accounts_changed import AccountChanged
from shared.contracts.connections_changed import ConnectionChanged
from shared.contracts.notices import NoticeRaised
from shared.contracts.orders_events import OrderEvent
from shared.contracts.orders_received import OrderReceived
from shared.contracts.shipments_events import ShipmentsChanged
from shared.contracts.signing_keys_changed import SigningKeysChanged
from shared.contracts.stores_changed import StoreChanged

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
# What a dead letter has more than its record: the headers that say why and where from.
DEAD_LETTER_BYTES = 64 * 1024
DELETE_RETENTION_MS = 7 * 24 * 3_600_000
_KNOWN_SECONDS = 30.0
_LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and how it keeps its records. `<name>.dlq` holds its dead letters.

    `contract` is the model of its values, `key` says what the key of a record is; what stays in
    order shares a key. `partitions`: None for as many as the installation gives its topics.
    """

    name: str
    event_type: str
    contract: type[BaseModel]
    key: str
    compacted: bool = False
    partitions: int | None = None

    @property
    def dead_letters(self) -> str:
        """The name of its dead-letter topic."""
        return f"{self.name}.dlq"


ORDERS_RECEIVED = Topic(
    "orders.received", "order.received", OrderReceived, key="{store_id}:{external_id}"
)
ORDERS_EVENTS = Topic("orders.events", "order.*", OrderEvent, key="order id")
CONNECTIONS_CHANGED = Topic(
    "connections.changed",
    "connection.changed",
    ConnectionChanged,
    key="connection id",
    compacted=True,
)
STORES_CHANGED = Topic(
    "stores.changed", "store.changed", StoreChanged, key="store id", compacted=True
)
ACCOUNTS_CHANGED = Topic(
    "accounts.changed", "account.changed", AccountChanged, key="account id", compacted=True
)
SIGNING_KEYS_CHANGED = Topic(
    "signing-keys.changed",
    "signing-keys.changed",
    SigningKeysChanged,
    key='"signing-keys"',
    compacted=True,
    partitions=1,
)
SHIPMENTS_EVENTS = Topic("shipments.events", "shipments.changed", ShipmentsChanged, key="order id")
NOTICES = Topic("notices", "notice.raised", NoticeRaised, key="account id")
TOPICS = (
    ORDERS_RECEIVED,
    ORDERS_EVENTS,
    SHIPMENTS_EVENTS,
    CONNECTIONS_CHANGED,
    STORES_CHANGED,
    ACCOUNTS_CHANGED,
    SIGNING_KEYS_CHANGED,
    NOTICES,
)


async def create_topics(
    kafka: str, prefix: str = "", partitions: int = 12, replication: int = 1
) -> list[str]:
    """Create what is missing, with explicit settings; the names created.

    Dead letters have one partition: there are few, and people read them.

    Raises:
        KafkaConnectionError: no broker answers.
        KafkaError: a broker refused a topic.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        counts = {topic.name: topic.partitions or partitions for topic in TOPICS}
        wanted = [
            NewTopic(prefix + name, counts.get(name, 1), replication, topic_configs=configs)
            for name, configs in topic_configs(replication).items()
        ]
        answer = await admin.create_topics(wanted)
        await _wait_known(admin, [topic.name for topic in wanted])
    finally:
        await admin.close()
    created = []
    for name, code, message in answer.topic_errors:
        error = for_code(code)
        if code == 0:
            created.append(name)
        elif error is not TopicAlreadyExistsError:
            raise error(f"{name}: {message}")
    return created


async def _wait_known(admin: AIOKafkaAdminClient, names: list[str]) -> None:
    """Return once the brokers tell of the topics: what was just created is not known at once."""
    until = time.monotonic() + _KNOWN_SECONDS
    while any(topic["error_code"] for topic in await admin.describe_topics(names)):
        if time.monotonic() > until:
            # Who writes to them waits by itself.
            return
        await asyncio.sleep(_LOOK_SECONDS)


def topic_configs(replication: int) -> dict[str, dict[str, str]]:
    """Topic → its settings, dead letters too, where each record is kept `replication` times."""
    common = {
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
        "min.insync.replicas": str(2 if replication > 2 else 1),  # noqa: PLR2004  of 3
    }
    deleting = {
        **common,
        "cleanup.policy": "delete",
        "retention.ms": str(DELETE_RETENTION_MS),
    }
    configs: dict[str, dict[str, str]] = {}
    for topic in TOPICS:
        configs[topic.name] = (
            {**common, "cleanup.policy": "compact"} if topic.compacted else deleting
        )
        configs[topic.dead_letters] = {
            **deleting, "max.message.bytes": str(MAX_MESSAGE_BYTES + DEAD_LETTER_BYTES),
        }  # fmt: skip
    return configs
