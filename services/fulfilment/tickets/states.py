"""The states of a ticket, what moves it, and until when the next answer is due. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from services.fulfilment.tickets.needs import HELP_CATEGORIES, Category, HelpCategory
from shared.failures import Refused

Kind = Literal["carrier", "help"]
State = Literal[
    "draft",
    "open",
    "waiting_for_carrier",
    "waiting_for_operator",
    "waiting_for_party",
    "resolved",
    "rejected",
    "closed",
]
Command = Literal["open", "ask", "answer-received", "resolve", "reject", "close", "reopen"]
Author = Literal["owner", "carrier", "operator"]

COMMANDS: tuple[Command, ...] = get_args(Command)
ENDED: tuple[State, ...] = ("resolved", "rejected", "closed")
LIVE: tuple[State, ...] = (
    "open", "waiting_for_carrier", "waiting_for_operator", "waiting_for_party",
)  # fmt: skip
# How long a carrier, or the operator, has to answer: the shortest claim periods that are common.
_ANSWER_DAYS: Mapping[Category | HelpCategory, int] = {
    "extreme_delay": 5,
    "lost": 7,
    "damaged": 10,
    "wrong_weight": 14,
    "address": 2,
    "question": 3,
    "billing": 3,
    "technical": 1,
    "account": 2,
}
_PARTY_DAYS = 5
_FROM: Mapping[Command, tuple[State, ...]] = {
    "open": ("draft",),
    "ask": ("open", "waiting_for_party"),
    "answer-received": ("open", "waiting_for_carrier", "waiting_for_operator"),
    "resolve": LIVE,
    "reject": LIVE,
    # Given up without an outcome.
    "close": ("draft", *LIVE),
    "reopen": ENDED,
}
_TO: Mapping[Command, State] = {
    "answer-received": "waiting_for_party",
    "resolve": "resolved",
    "reject": "rejected",
    "close": "closed",
}


def kind_of(category: Category | HelpCategory) -> Kind:
    """Whom a ticket of a category is for."""
    return "help" if category in HELP_CATEGORIES else "carrier"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a ticket stands; `is_mailed`: its messages go to an address of the carrier."""

    kind: Kind
    category: Category | HelpCategory
    state: State
    since: datetime
    due_at: datetime | None
    is_mailed: bool = False

    @property
    def has_ended(self) -> bool:
        """Whether nothing more is expected."""
        return self.state in ENDED

    def is_overdue(self, now: datetime) -> bool:
        """Whether the next step should have been taken."""
        return self.due_at is not None and self.due_at < now

    def commanded(self, command: Command, now: datetime) -> "Standing":
        """Where it stands after a command.

        Raises:
            Refused: `invalid_transition`.
        """
        if self.state not in _FROM[command]:
            raise Refused("invalid_transition", what="ticket", state=self.state)
        to = _TO.get(command)
        if to is None:
            to = self._asked if command == "ask" or self._is_asked_by(command) else "open"
        return self._at(to, now)

    def answered(self, author: Author, now: datetime) -> "Standing":
        """Where it stands after a message; one that comes after the end is kept, and no more.

        Raises:
            Refused: `invalid_transition`: its owner writes when it has ended.
        """
        if author != "owner":
            return self if self.state not in LIVE else self._at("waiting_for_party", now)
        if self.has_ended:
            raise Refused("invalid_transition", what="ticket", state=self.state)
        if self.state == "draft" or not (self.kind == "help" or self.is_mailed):
            return self
        return self._at(self._asked, now)

    def _is_asked_by(self, command: Command) -> bool:
        # Reopening mails nothing: a carrier hears of it with the next message.
        return self.kind == "help" or (command == "open" and self.is_mailed)

    @property
    def _asked(self) -> State:
        return "waiting_for_operator" if self.kind == "help" else "waiting_for_carrier"

    def _at(self, state: State, now: datetime) -> "Standing":
        if state == self.state:
            return self
        due_at = self._due(state, now)
        return Standing(self.kind, self.category, state, now, due_at, self.is_mailed)

    def _due(self, state: State, now: datetime) -> datetime | None:
        if state not in LIVE:
            return None
        if state == "waiting_for_party":
            return now + timedelta(days=_PARTY_DAYS)
        # The carrier's time began when the ticket was opened, whoever was told of it when.
        if self.state == "open" and self.due_at is not None:
            return self.due_at
        return now + timedelta(days=_ANSWER_DAYS[self.category])
