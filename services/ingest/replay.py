"""Reads again what was not understood, after a fix here or in a newer version.

An order is durable before its entry goes: a crash in between sends it twice, which routing drops.
It keeps the time that its source gave it; it enters when it is understood.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import orjson
import structlog
from pydantic import ValidationError

from services.ingest import store
from services.ingest.credentials import Stores
from services.ingest.intake import Intake
from services.ingest.platforms import Platform
from services.ingest.quarantine import reason_of
from services.ingest.reading import read_again
from shared.failures import Refused
from shared.postgres.database import Database
from shared.telemetry import traceparent_of
from shared.web.problems import errors_of

logger = structlog.get_logger(__name__)
Flaws = Sequence[Mapping[str, str]]
# Of one call: it is to be answered in seconds, and bodies are not to fill the memory.
_MOST_ENTRIES = 100
_MOST_BYTES = 4 * 1024 * 1024


@dataclass(slots=True)
class Outcome:
    """What became of some entries; `last` is the last one that was looked at."""

    accepted: list[UUID] = field(default_factory=list)
    ignored: list[UUID] = field(default_factory=list)
    failed: dict[UUID, Flaws] = field(default_factory=dict)
    last: UUID | None = None
    left: int = 0


@dataclass(frozen=True, slots=True)
class Replay:
    """Takes entries of the quarantine as their routes would take them today.

    Args:
        database: ingest's schema.
        stores: whose they are.
        intake: where understood ones go.
        platforms: by name.
        most_orders: in one body.
    """

    database: Database
    stores: Stores
    intake: Intake
    platforms: Mapping[str, Platform]
    most_orders: int

    async def one(self, brand_id: UUID, entry: UUID) -> Outcome:
        """Replay one entry.

        Raises:
            Refused: `not_found`; `validation_failed`, it stays, with the newest reason;
                `temporarily_unavailable`.
        """
        async with self.database.reading() as session:
            found = await store.quarantined_bodies(session, brand_id, [entry])
        if not found:
            raise Refused("not_found", what="quarantine entry")
        outcome = await self._replay(brand_id, found)
        if entry in outcome.failed:
            raise Refused("validation_failed", errors=outcome.failed[entry])
        return outcome

    async def many(self, brand_id: UUID, store_id: UUID | None, after: UUID | None) -> Outcome:
        """Replay the oldest entries after `after`; says how many are left behind them.

        Raises:
            Refused: `temporarily_unavailable`; what was accepted until then has left.
        """
        async with self.database.reading() as session:
            entries = await store.next_quarantined(
                session, brand_id, store_id, after, _MOST_ENTRIES, _MOST_BYTES
            )
            found = await store.quarantined_bodies(session, brand_id, entries)
        outcome = await self._replay(brand_id, found)
        outcome.last = entries[-1] if entries else after
        async with self.database.reading() as session:
            outcome.left = await store.count_quarantined(session, brand_id, store_id, outcome.last)
        return outcome

    async def _replay(self, brand_id: UUID, found: Sequence[store.Kept]) -> Outcome:
        outcome = Outcome()
        try:
            for kept in found:
                await self._take(brand_id, kept, outcome)
        finally:
            # When the log and the spool went away meanwhile, too: less is sent twice.
            await self._settle(brand_id, outcome)
        return outcome

    async def _take(self, brand_id: UUID, kept: store.Kept, outcome: Outcome) -> None:
        try:
            orders = await self._accept(brand_id, kept)
        except ValidationError as error:
            outcome.failed[kept.id] = errors_of(error)
        except Refused as refused:
            if refused.code == "temporarily_unavailable":
                raise
            outcome.failed[kept.id] = [{"pointer": "", "message": str(refused)}]
        else:
            (outcome.accepted if orders else outcome.ignored).append(kept.id)

    async def _accept(self, brand_id: UUID, kept: store.Kept) -> int:
        sender = self.stores.get(kept.store_id)
        if sender.brand_id != brand_id:
            # It changed hands; what was sent for one brand is not to become another's order.
            raise Refused("not_found", what="store")
        headers: dict[str, str] = orjson.loads(kept.headers)
        orders = read_again(
            self.platforms, kept.route, kept.body, headers, kept.received_at, self.most_orders
        )
        if orders:
            await self.intake.accept(sender, orders, traceparent_of(headers))
        return len(orders)

    async def _settle(self, brand_id: UUID, outcome: Outcome) -> None:
        done = [*outcome.accepted, *outcome.ignored]
        reasons = {entry: reason_of(flaws) for entry, flaws in outcome.failed.items()}
        if not done and not reasons:
            return
        async with self.database.transaction() as session:
            await store.drop_quarantined(session, brand_id, done)
            await store.update_reasons(session, brand_id, reasons)
        logger.info(
            "quarantine was replayed", brand=str(brand_id), left=len(done), stay=len(reasons)
        )
