"""Notices to their owners about endpoints, in the transaction of what they are about."""

from collections.abc import Sequence
from urllib.parse import urlsplit
from uuid import UUID

from services.webhooks.delivery import Attempt, DeliveryState
from services.webhooks.notices import store
from shared.contracts.notices import DeliveriesExhausted, EndpointDisabled
from shared.kafka.message import Message
from shared.notices import notice
from shared.postgres import outbox
from shared.postgres.database import Session
from shared.postgres.tallies import Tally

_SOURCE = "webhooks"


async def tell_disabled(session: Session, endpoint_ids: Sequence[UUID]) -> None:
    """Raise a notice for each: it was disabled, and what it had is parked, in this transaction."""
    if not endpoint_ids:
        return
    endpoints = await store.endpoints_to_tell_of(session, endpoint_ids)
    parked = await store.parked_at_endpoints(session, endpoints)
    await outbox.write(
        session,
        [
            notice(
                _SOURCE,
                endpoint.account_id,
                EndpointDisabled(
                    endpoint_id=endpoint.id,
                    connection_id=endpoint.connection_id,
                    store_id=endpoint.store_id,
                    host=_host(endpoint.url),
                    parked=parked[endpoint.id],
                ),
                endpoint.id,
                endpoint.updated_at,
            )
            for endpoint in endpoints.values()
        ],
    )


async def tally_exhausted(session: Session, attempts: Sequence[Attempt]) -> None:
    """Count what the attempts exhausted; no statement when they exhausted nothing."""
    exhausted = [one for one in attempts if one.state is DeliveryState.EXHAUSTED]
    if exhausted:
        await store.tally_exhausted(session, exhausted)


async def exhausted_notices(session: Session, tallies: Sequence[Tally]) -> list[Message]:
    """What is told of endpoints whose deliveries were exhausted."""
    endpoints = await store.endpoints_to_tell_of(session, [one.subject_id for one in tallies])
    return [
        notice(
            _SOURCE,
            tally.account_id,
            DeliveriesExhausted(
                endpoint_id=endpoint.id,
                connection_id=endpoint.connection_id,
                store_id=endpoint.store_id,
                host=_host(endpoint.url),
                deliveries=tally.counted,
                since=tally.since,
            ),
            endpoint.id,
            tally.told_at,
        )
        for tally in tallies
        if (endpoint := endpoints.get(tally.subject_id)) is not None
    ]


def _host(url: str) -> str:
    """Without path, query and credentials: those may be secrets."""
    return urlsplit(url).hostname or ""
