"""`relevo bench starts`: how long until a process has read the compacted topics and is ready."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaProducer
from uuid_utils.compat import uuid7

from relevo.bench import measure, own_events
from relevo.bench.run import private_stack
from relevo.local.stack import Stack, StackError
from relevo.operate.status import health
from relevo.waiting import wait_for
from shared.contracts.connections_changed import (
    ConnectionChanged,
    ConnectionEndpoint,
    ConnectionSettings,
    ConnectionState,
)
from shared.egress.sealed_url import SealedUrl
from shared.kafka.cloudevents import cloud_event_headers
from shared.kafka.topics import CONNECTIONS_CHANGED
from shared.sealing import Sealer

Json = dict[str, Any]
_SERVICES = ("routing", "webhooks")
_MOST_SECONDS = 1_800.0
_CHUNK = 1_000


def starts(say: Callable[[str], None], connections: int, orders: int) -> Json:
    """Seconds to ready of each service: with empty topics, with news, and with what it knows.

    And of routing with orders to take over from its own log, as after a restore.

    Args:
        say: tells what begins.
        connections: on the topic, each with an endpoint.
        orders: on routing's own log, unknown to its database; 0 for none.
    """
    with private_stack(say) as stack:
        figures: Json = {"connections": connections}
        say("Empty topics")
        figures["empty_seconds"] = {name: _restart(stack, name) for name in _SERVICES}
        for name in _SERVICES:
            stack.stop_service(name)
        say(f"{connections} connections")
        asyncio.run(_publish(stack, connections))
        for which in ("new", "known"):
            say(f"A start that reads them, {which}")
            figures[f"{which}_seconds"] = {name: _restart(stack, name) for name in _SERVICES}
        if orders:
            # Alone: webhooks would store them at the same time.
            for name in _SERVICES:
                stack.stop_service(name)
            say(f"{orders} orders")
            asyncio.run(own_events.publish(stack.bootstrap, orders))
            say("A start that takes them over, and the one after it")
            figures["orders"] = orders
            figures["takes_over_seconds"] = _restart(stack, "routing")
            figures["taken_over_seconds"] = _restart(stack, "routing")
        # A service that never became ready ends the run.
        return {**figures, "balances": True, "machine": measure.machine()}


def _restart(stack: Stack, service: str) -> float:
    if stack.running(service):
        stack.stop_service(service)
    started = time.perf_counter()
    stack.launch(service)
    if not wait_for(lambda: health(stack.urls[service])[0], _MOST_SECONDS):
        raise StackError(f"{service} is not ready: {health(stack.urls[service])[1]}")
    return round(time.perf_counter() - started, 1)


async def _publish(stack: Stack, count: int) -> None:
    sealer = Sealer.parse(stack.secrets["RELEVO_SEALING_KEYS"])
    producer = AIOKafkaProducer(bootstrap_servers=stack.bootstrap, acks="all", linger_ms=5)
    await producer.start()
    try:
        for first in range(0, count, _CHUNK):
            futures = []
            for _ in range(min(_CHUNK, count - first)):
                change = _a_connection(sealer)
                key = str(change.connection_id)
                headers = cloud_event_headers("bench", "/bench", key)
                futures.append(
                    await producer.send(
                        CONNECTIONS_CHANGED.name,
                        change.model_dump_json().encode(),
                        key.encode(),
                        headers=[(name, value.encode()) for name, value in headers.items()],
                    )
                )
            await asyncio.gather(*futures)
    finally:
        await producer.stop()


def _a_connection(sealer: Sealer) -> ConnectionChanged:
    endpoint = uuid7()
    url = SealedUrl.of("https://bench.example/", endpoint, sealer)
    return ConnectionChanged(
        connection_id=uuid7(), store_id=uuid7(), brand_id=uuid7(), three_pl_id=uuid7(),
        state=ConnectionState.ACTIVE, version=3, epoch=1, priority=100,
        settings=ConnectionSettings(version=1, endpoint_id=endpoint),
        endpoints=(
            ConnectionEndpoint(
                id=endpoint, sealed_url=url.sealed, masked_url=url.masked,
                sealed_secrets=(sealer.seal("whsec_" + "A" * 32, f"endpoint:{endpoint}"),),
            ),
        ),
        changed_at=datetime.now(UTC),
    )  # fmt: skip
