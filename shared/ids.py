"""Ids that are functions of what they name, so that a repeated decision is the same thing. Pure.

UUIDs of version 5 (RFC 9562, section 5.5), each kind in a namespace of its own. Their order means
nothing: lists go by a time first. What has an id of before, of version 7, keeps it.
"""

from uuid import UUID, uuid5

# Relevo's own, and for ever: with another one everything would have another id.
_ORDERS = UUID("a0f99213-081e-4a54-a9f3-a4077475b2f6")
_EVENTS = UUID("3aea0535-b6a1-42d6-8158-9866d7454700")
_DELIVERIES = UUID("929ba7af-b112-472a-8f31-5d142d6d31e7")
_SHIPMENTS = UUID("c1b5d5e7-6d0c-4f0b-9e53-0f4b7c2b9a41")
_LEDGER_ENTRIES = UUID("aa55b5fe-3ce7-428c-91ae-92262dddec34")
# Whoever runs the platform, as a side of the ledger's entries: nobody logs in to it.
OPERATOR_ACCOUNT = UUID("b4e05d65-dee7-4105-ae55-bb278dbbdc8e")


def order_id(store_id: UUID, external_id: str) -> UUID:
    """The id of the order that a store knows as `external_id`.

    Args:
        store_id: that the order enters under: of a claim that has moved, the brand's store.
        external_id: as the store spells it.

    >>> str(order_id(UUID(int=1), "1001"))
    'd1f7374d-3e40-5b83-b011-dba579a57132'
    """
    return uuid5(_ORDERS, f"{store_id}:{external_id}")


def event_id(order_id: UUID, sequence: int) -> UUID:
    """The id of an order's event; no two events of an order have one `sequence`, which is from 1.

    >>> str(event_id(UUID(int=1), 1))
    '9ed67135-a98e-5085-aa9f-6bf8f4685c60'
    """
    return uuid5(_EVENTS, f"{order_id}:{sequence}")


def delivery_id(event_id: UUID, endpoint_id: UUID, round_: int) -> UUID:
    """The id of an event's delivery to an endpoint.

    Args:
        event_id: of the event.
        endpoint_id: of the endpoint that the event is for, wherever that sends to.
        round_: 0 for the first delivery; the next one each time the event is sent there again.

    >>> str(delivery_id(UUID(int=1), UUID(int=2), 0))
    'a58e993f-c862-5ccc-96fd-7d4076ff5413'
    """
    return uuid5(_DELIVERIES, f"{event_id}:{endpoint_id}:{round_}")


def shipment_id(order_id: UUID, sequence: int, part: int = 0) -> UUID:
    """The id of a shipment.

    Args:
        order_id: of the order that it is of.
        sequence: of the order's event that began the work: an order may be worked more than once.
        part: 0 for what the beginning made; the next one for each that is split off.

    >>> str(shipment_id(UUID(int=1), 2))
    '76dbb978-43ff-518b-81f9-e1e08f16fe68'
    """
    return uuid5(_SHIPMENTS, f"{order_id}:{sequence}:{part}")


def ledger_entry_id(shipment_id: UUID, price_list_id: UUID, item: str, phase: str) -> UUID:
    """The id of what the ledger says of one price of a shipment.

    Args:
        shipment_id: of the shipment.
        price_list_id: the list that the price stands in, whichever its version.
        item: which price it is.
        phase: `pending`, `posted`, `voided`; of corrections with a number from 1, `corrected:1`.

    >>> str(ledger_entry_id(UUID(int=1), UUID(int=2), "per_order", "posted"))
    '4d5ebe8d-9e56-5eb7-9ff2-827a89f63f28'
    """
    return uuid5(_LEDGER_ENTRIES, f"{shipment_id}:{price_list_id}:{item}:{phase}")
