"""From notices to what their mails say: quiet ones each, noisy ones together. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never
from uuid import UUID

from services.connections.mail import kinds
from services.connections.mail.kinds import Counted, MailData
from services.connections.notices.models import MOST_LINES, Notice
from shared.contracts.accounts_changed import AccountKind
from shared.contracts.notices import (
    DeliveriesExhausted,
    EndpointDisabled,
    NoticeData,
    OrdersHandedBack,
    OrdersQuarantined,
    TicketAnswered,
)


@dataclass(frozen=True, slots=True)
class Known:
    """What the mails of an account need besides: who reads, the stores' domains, where to look."""

    reader: AccountKind
    domains: Mapping[UUID, str]
    link: str

    def domain(self, store_id: UUID | None) -> str:
        """What the store is called; its id when the account may not know it any more."""
        return kinds.EVERY_STORE if store_id is None else self.domains.get(store_id, str(store_id))


def letters(notices: Sequence[Notice], known: Known) -> list[MailData]:
    """What to mail of notices of one kind, which are not none; in their order."""
    exhausted = [one.data for one in notices if isinstance(one.data, DeliveriesExhausted)]
    quarantined = [one.data for one in notices if isinstance(one.data, OrdersQuarantined)]
    told = [letter for notice in notices if (letter := _quiet(notice.data, known))]
    if exhausted:
        told.append(_exhausted(exhausted, known))
    if quarantined:
        told.append(_quarantined(quarantined, known))
    return told


def _quiet(data: NoticeData, known: Known) -> MailData | None:
    """The mail of a quiet notice; of noisy ones there is one for all."""
    match data:
        case EndpointDisabled():
            return kinds.EndpointDisabled(
                store_domain=known.domain(data.store_id),
                host=data.host,
                parked=data.parked,
                link=known.link,
            )
        case OrdersHandedBack():
            return kinds.OrdersHandedBack(
                store_domain=known.domain(data.store_id),
                reader=known.reader,
                returned=data.returned,
                stayed=data.stayed,
                link=known.link,
            )
        case TicketAnswered():
            return kinds.TicketAnswered(
                number=data.number, answered_by=data.answered_by, link=known.link
            )
        case DeliveriesExhausted() | OrdersQuarantined():
            return None
        case never:
            assert_never(never)


def _exhausted(data: Sequence[DeliveriesExhausted], known: Known) -> MailData:
    counts: dict[UUID, int] = {}
    # The newest host of each.
    named = {one.endpoint_id: one for one in data}
    for one in data:
        counts[one.endpoint_id] = counts.get(one.endpoint_id, 0) + one.deliveries
    lines = [
        Counted(store_domain=known.domain(named[key].store_id), host=named[key].host, count=count)
        for key, count in counts.items()
    ]
    shown, more, total = _most(lines)
    return kinds.DeliveriesExhausted(
        lines=shown, more=more, total=total, since=_first(data), link=known.link
    )


def _quarantined(data: Sequence[OrdersQuarantined], known: Known) -> MailData:
    counts: dict[UUID, int] = {}
    for one in data:
        counts[one.store_id] = counts.get(one.store_id, 0) + one.entries
    lines = [
        Counted(store_domain=known.domain(store_id), count=count)
        for store_id, count in counts.items()
    ]
    shown, more, total = _most(lines)
    return kinds.OrdersQuarantined(
        lines=shown, more=more, total=total, since=_first(data), link=known.link
    )


def _most(lines: Sequence[Counted]) -> tuple[tuple[Counted, ...], int, int]:
    """The lines with the largest counts, how many are left out, and the sum of all."""
    ordered = sorted(lines, key=lambda line: -line.count)
    shown = tuple(ordered[:MOST_LINES])
    return shown, len(ordered) - len(shown), sum(line.count for line in lines)


def _first(data: Sequence[DeliveriesExhausted] | Sequence[OrdersQuarantined]) -> datetime:
    return min(one.since for one in data)
