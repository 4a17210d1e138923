"""Buys labels: what is due is claimed, and the carrier is asked outside any transaction.

What it says is written with the shipment and what follows from it. A process that dies leaves a
claim that ends; whoever comes next asks the carrier what became of it.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from services.fulfilment.carrier_accounts.account import CarrierAccount, Carriers
from services.fulfilment.carrier_accounts.owned import account_by_id
from services.fulfilment.carriers.port import (
    Carrier,
    Declined,
    DocumentFormat,
    DocumentLink,
    Found,
    LabelRequest,
    Later,
)
from services.fulfilment.carriers.reading import format_of
from services.fulfilment.labels import store
from services.fulfilment.labels.effect import with_label
from services.fulfilment.labels.label import (
    Label,
    after_cancel,
    after_documents,
    after_purchase,
    first_step,
)
from services.fulfilment.shipments import applying
from services.fulfilment.shipments.applying import Change
from services.fulfilment.shipments.commands import replaced
from services.fulfilment.shipments.reading import shipment_and_number
from services.fulfilment.shipments.shipment import Shipment
from services.fulfilment.shipments.working import lock_with_order
from shared.failures import Permanent, is_transient
from shared.postgres.database import Database
from shared.telemetry import LABELS, LABELS_OLDEST

logger = structlog.get_logger(__name__)
MOST_DOCUMENT_BYTES = 5 * 1024 * 1024
_UNUSABLE_SECONDS = 300.0
_STOP_SECONDS = 5.0
_MEASURE_SECONDS = 15.0
Documents = Sequence[tuple[int, DocumentFormat, bytes]]


class Buyer:
    """The one of a process that carriers hear from.

    Args:
        database: fulfilment's schema.
        carriers: makes the carrier behind an account.
        concurrency: most labels under way at once.
        lease_seconds: how long a claim is this process's alone; longer than a call may take.
        poll_seconds: how often to look for what nobody told of.
    """

    def __init__(
        self,
        database: Database,
        carriers: Carriers,
        *,
        concurrency: int,
        lease_seconds: float,
        poll_seconds: float,
    ) -> None:
        self._database = database
        self._carriers = carriers
        self._concurrency = concurrency
        self._lease_seconds = lease_seconds
        self._poll_seconds = poll_seconds
        self._wake = asyncio.Event()
        self._measure_at = 0.0
        self._under_way: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """There is something to do."""
        self._wake.set()

    async def run(self) -> None:
        """Endlessly (background work)."""
        try:
            while True:
                self._wake.clear()
                try:
                    await self._measure()
                    if await self._start_what_is_due():
                        continue
                except Exception as error:
                    if not is_transient(error):
                        raise
                    logger.warning("labels wait for the database", reason=str(error))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_seconds):
                        await self._wake.wait()
        finally:
            await self._finish()

    async def _measure(self) -> None:
        """Now and then: for how long something is not known."""
        if time.monotonic() < self._measure_at:
            return
        self._measure_at = time.monotonic() + _MEASURE_SECONDS
        async with self._database.session() as session:
            LABELS_OLDEST.set(await store.oldest_unsettled_seconds(session))

    async def _finish(self) -> None:
        """Wait a little: what is cut off is found out about only when its claim has ended."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_STOP_SECONDS)
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _start_what_is_due(self) -> bool:
        """Whether anything was; waits for a place first."""
        if len(self._under_way) >= self._concurrency:
            await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
        free = self._concurrency - len(self._under_way)
        async with self._database.transaction() as session:
            labels = await store.claim(session, free, self._lease_seconds)
        for label in labels:
            task = asyncio.create_task(self._work(label))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return bool(labels)

    async def _work(self, label: Label) -> None:
        try:
            await self._step(label)
        except Exception:
            # The claim ends by itself, and the next one asks what became of it.
            logger.exception("a label could not be worked on", label_id=str(label.id))

    async def _step(self, label: Label) -> None:
        async with self._database.session() as session:
            found = await shipment_and_number(session, label.shipment_id)
            account = await account_by_id(session, label.carrier_account_id)
        if found is None or account is None:
            raise LookupError(f"label {label.id} has lost its shipment or carrier account")
        shipment, number = found
        try:
            carrier = self._carriers.of(account)
        except Permanent as error:
            unusable = Later(_UNUSABLE_SECONDS, error.reason)
            await self._write(after_purchase(label, unusable, _now()))
            return
        match first_step(label):
            case "buy" if shipment.status == "cancelled" or shipment.consignee is None:
                # Surely nothing was bought yet.
                reason = "the order is not worked any more"
                await self._write(after_purchase(label, Declined(reason), _now()))
            case "buy":
                answer = await carrier.create(_request(label, shipment, number))
                await self._bought(account, label, answer)
            case "find":
                await self._bought(account, label, await carrier.find(str(label.id)))
            case "documents":
                await self._fetch(carrier, label)
            case "cancel":
                said = await carrier.cancel(label.carrier_label_id or "", str(label.id))
                await self._write(after_cancel(label, said, _now()))

    async def _bought(self, account: CarrierAccount, label: Label, answer: Found) -> None:
        """What the carrier said of a purchase: written before anything else is asked."""
        after = after_purchase(label, answer, _now())
        LABELS.labels(account.kind, _word_of(after, answer)).inc()
        if isinstance(answer, Later):
            async with self._database.transaction() as session:
                await store.put_off(session, account.id, after.next_attempt_at)
        inline = _usable((link, link.content) for link in after.documents)
        links = tuple(link for link in after.documents if link.url is not None)
        if after.next_step == "documents":
            after = replace(after, documents=links, next_step="documents" if links else None)
        await self._write(after, inline, is_purchase=True)
        self.wake()

    async def _fetch(self, carrier: Carrier, label: Label) -> None:
        fetched = [(link, await carrier.document(link)) for link in label.documents]
        found = _usable(fetched)
        parcels = {parcel for parcel, _, _ in found}
        missing = [link for link in label.documents if link.parcel not in parcels]
        await self._write(after_documents(label, missing, _now()), found)

    async def _write(
        self, label: Label, documents: Documents = (), *, is_purchase: bool = False
    ) -> None:
        async with self._database.transaction() as session:
            locked = await lock_with_order(session, label.order_id)
            if locked is None:
                raise LookupError(f"label {label.id} has lost its order")
            order, shipments = locked
            shipment = next(one for one in shipments if one.id == label.shipment_id)
            if is_purchase and label.outcome == "bought" and shipment.status == "cancelled":
                # It was moved back meanwhile: nobody is to pay for a label that is not used.
                label = replace(label, next_step="cancel", documents=())
            if not await store.write(session, label):
                return
            await store.add_documents(session, label.id, documents)
            after = replaced(shipments, with_label(shipment, label))
            await applying.write(
                session, [Change(order.id, shipments, after, order.shipments_version)]
            )


def _usable(fetched: Iterable[tuple[DocumentLink, bytes | None]]) -> Documents:
    """What printers take, by what is in it, whatever it was called."""
    found: list[tuple[int, DocumentFormat, bytes]] = []
    for link, content in fetched:
        format_ = format_of(content) if content else None
        if content is not None and format_ is not None and len(content) <= MOST_DOCUMENT_BYTES:
            found.append((link.parcel, format_, content))
    return found


def _word_of(label: Label, answer: Found) -> str:
    if isinstance(answer, Later):
        return "later"
    return label.outcome or "unknown"


def _now() -> datetime:
    return datetime.now(UTC)


def _request(label: Label, shipment: Shipment, number: str) -> LabelRequest:
    consignee, shipping = shipment.consignee, shipment.shipping
    if consignee is None or shipping is None:
        raise LookupError(f"shipment {shipment.id} has lost what a label needs")
    return LabelRequest(
        reference=str(label.id),
        number=number,
        service=shipping.service,
        options=shipping.options,
        warehouse=shipping.warehouse,
        consignee=consignee,
        lines=shipment.lines,
        parcels=shipment.parcels,
        weight_grams=shipment.weight_grams,
    )
