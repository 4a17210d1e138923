"""Labels and their documents: one function per named query, each given a session."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from services.fulfilment.carriers.port import BoughtParcel, DocumentFormat, DocumentLink
from services.fulfilment.labels.label import Label, Outcome, State, Step, label_id
from services.fulfilment.shipments.shipment import Shipment
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")
_parcels = TypeAdapter(tuple[BoughtParcel, ...])


@dataclass(frozen=True, slots=True)
class NewestLabel:
    """The last purchase for a shipment; `bought_by` is whose carrier account it is."""

    id: UUID
    shipment_id: UUID
    round: int
    state: State
    outcome: Outcome | None
    reason: str | None
    price: str | None
    currency: str | None
    next_step: Step | None
    requested_at: datetime
    settled_at: datetime | None
    bought_by: UUID
    carrier: str


@dataclass(frozen=True, slots=True)
class Document:
    """A label that can be printed."""

    label_id: UUID
    shipment_id: UUID
    parcel: int
    format: DocumentFormat
    bytes: int


@dataclass(frozen=True, slots=True)
class NamedParcels:
    """A label that a carrier speaks of, with the parcels as it knows them."""

    id: UUID
    shipment_id: UUID
    order_id: UUID
    parcels: Sequence[BoughtParcel]


@dataclass(frozen=True, slots=True)
class _Link:
    parcel: int
    format: DocumentFormat
    url: str


_links = TypeAdapter(tuple[_Link, ...])


def _label(row: asyncpg.Record) -> Label:
    links = _links.validate_json(row["documents"])
    return row_as(
        Label,
        row,
        parcels=_parcels.validate_json(row["parcels"]),
        documents=tuple(DocumentLink(one.parcel, one.format, one.url) for one in links),
    )


async def add(
    session: Session, wanted: Sequence[tuple[Shipment, UUID]], requested_by: UUID
) -> list[UUID]:
    """Claim a purchase for each of the shipments, through the carrier account beside it."""
    ids = [one.id for one, _ in wanted]
    rows = await _queries.next_rounds.all(session, shipments=ids)
    rounds: Mapping[UUID, int] = {row["shipment_id"]: row["round"] for row in rows}
    labels = [label_id(one.id, rounds.get(one.id, 1)) for one, _ in wanted]
    await _queries.add_labels.run(
        session,
        ids=labels,
        shipments=ids,
        rounds=[rounds.get(one.id, 1) for one, _ in wanted],
        orders=[one.order_id for one, _ in wanted],
        brands=[one.brand_id for one, _ in wanted],
        three_pls=[one.three_pl_id if one.connection_id else None for one, _ in wanted],
        accounts=[account for _, account in wanted],
        requested_by=requested_by,
    )
    return labels


async def claim(session: Session, most: int, lease_seconds: float) -> list[Label]:
    """Labels that something is to be done about now, this process's until the lease ends."""
    rows = await _queries.claim_labels.all(session, most=most, lease_seconds=lease_seconds)
    return [_label(row) for row in rows]


async def write(session: Session, label: Label) -> bool:
    """Write it as it is now and end the claim; False: another process has claimed it since."""
    links = tuple(_Link(one.parcel, one.format, one.url) for one in label.documents if one.url)
    names = {
        name
        for parcel in label.parcels
        for name in (parcel.carrier_id, parcel.tracking_number)
        if name
    }
    written: bool | None = await _queries.write_label.value(
        session,
        id=label.id,
        state=label.state,
        outcome=label.outcome,
        reason=label.reason,
        carrier_label_id=label.carrier_label_id,
        parcels=_parcels.dump_json(tuple(label.parcels)).decode(),
        parcel_names=sorted(names),
        documents=_links.dump_json(links).decode(),
        price=label.price,
        currency=label.currency,
        next_step=label.next_step,
        next_attempt_at=label.next_attempt_at,
        attempts=label.attempts,
        claimed_at=label.claimed_at,
    )
    return bool(written)


async def oldest_unsettled_seconds(session: Session) -> float:
    """For how long the oldest label has not been settled; 0 when all are."""
    seconds: float | None = await _queries.oldest_unsettled.value(session)
    return float(seconds or 0.0)


async def put_off(session: Session, account: UUID, until: datetime) -> None:
    """Ask nothing of a carrier account before then."""
    await _queries.put_off.run(session, account=account, until=until)


async def add_documents(
    session: Session, label: UUID, found: Iterable[tuple[int, DocumentFormat, bytes]]
) -> None:
    """Keep documents: a few of one label."""
    for parcel, format_, content in found:
        await _queries.add_document.run(
            session, label=label, parcel=parcel, format=format_, content=content
        )


async def give_back(session: Session, shipments: Sequence[UUID]) -> None:
    """Ask the carriers to take back the labels of shipments that will not leave with them."""
    await _queries.give_back.run(session, shipments=shipments)


async def newest(session: Session, shipments: Sequence[UUID]) -> dict[UUID, NewestLabel]:
    """The last purchase for each of the shipments."""
    rows = await _queries.newest_labels.all(session, shipments=shipments)
    return {row["shipment_id"]: row_as(NewestLabel, row) for row in rows}


async def documents(session: Session, shipments: Sequence[UUID]) -> list[Document]:
    """What can be printed of the shipments."""
    rows = await _queries.list_documents.all(session, shipments=shipments)
    return [row_as(Document, row) for row in rows]


async def document(
    session: Session, shipment: UUID, parcel: int, format_: DocumentFormat
) -> bytes | None:
    """The bytes of one."""
    content: bytes | None = await _queries.document.value(
        session, shipment=shipment, parcel=parcel, format=format_
    )
    return content


async def seen(session: Session, account: UUID, ids: Sequence[UUID]) -> set[UUID]:
    """Those of the shipments that the account is a party of."""
    rows = await _queries.shipments_seen.all(session, account=account, ids=ids)
    return {row["id"] for row in rows}


async def of_parcels(session: Session, account: UUID, names: Iterable[str]) -> list[NamedParcels]:
    """The labels of a carrier account that have parcels of these names."""
    rows = await _queries.labels_of_parcels.all(session, account=account, names=list(names))
    return [
        row_as(NamedParcels, row, parcels=_parcels.validate_json(row["parcels"])) for row in rows
    ]
