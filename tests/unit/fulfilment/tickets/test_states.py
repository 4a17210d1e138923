"""What moves a ticket, and until when the next answer is due."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from services.fulfilment.tickets.needs import CATEGORIES, HELP_CATEGORIES
from services.fulfilment.tickets.states import COMMANDS, LIVE, Standing
from shared.failures import Refused
from tests.kit.builders import NOON

LATER = NOON + timedelta(days=2)


def a_standing(state: Any = "draft", **changes: Any) -> Standing:
    fields = {"kind": "carrier", "category": "lost", "since": NOON, "due_at": None, **changes}
    return Standing(state=state, **fields)


def moves(standing: Standing) -> dict[str, str]:
    """Command → state, of those that are not refused."""
    found: dict[str, str] = {}
    for command in COMMANDS:
        with suppress(Refused):
            found[command] = standing.commanded(command, LATER).state
    return found


ENDS = {"resolve": "resolved", "reject": "rejected", "close": "closed"}


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        ("draft", {"open": "open", "close": "closed"}),
        ("open", {"ask": "waiting_for_carrier", "answer-received": "waiting_for_party", **ENDS}),
        ("waiting_for_carrier", {"answer-received": "waiting_for_party", **ENDS}),
        ("waiting_for_party", {"ask": "waiting_for_carrier", **ENDS}),
        ("resolved", {"reopen": "open"}),
        ("rejected", {"reopen": "open"}),
        ("closed", {"reopen": "open"}),
    ],
)
def test_each_state_has_its_commands(state: Any, wanted: dict[str, str]) -> None:
    assert moves(a_standing(state)) == wanted


def test_who_is_mailed_or_is_the_operator_is_asked_by_opening() -> None:
    mailed = a_standing(is_mailed=True)
    assert mailed.commanded("open", NOON).state == "waiting_for_carrier"
    # Reopening mails nothing.
    assert a_standing("closed", is_mailed=True).commanded("reopen", NOON).state == "open"
    wanted = a_standing(kind="help", category="billing")
    assert wanted.commanded("open", NOON).state == "waiting_for_operator"
    ended = a_standing("closed", kind="help", category="billing")
    assert ended.commanded("reopen", NOON).state == "waiting_for_operator"


def test_messages_pass_the_turn_and_none_follows_the_end_but_the_carriers() -> None:
    mailed = a_standing("waiting_for_party", is_mailed=True)
    assert mailed.answered("owner", LATER).state == "waiting_for_carrier"
    assert a_standing("open").answered("owner", LATER).state == "open"
    assert a_standing(is_mailed=True).answered("owner", LATER).state == "draft"
    for state in LIVE:
        assert a_standing(state).answered("carrier", LATER).state == "waiting_for_party"
    ended = a_standing("resolved", is_mailed=True)
    assert ended.answered("carrier", LATER) == ended
    with pytest.raises(Refused) as refused:
        ended.answered("owner", LATER)
    assert refused.value.code == "invalid_transition"


@pytest.mark.parametrize(
    ("category", "days"), [("extreme_delay", 5), ("lost", 7), ("damaged", 10),
                           ("wrong_weight", 14), ("address", 2)],
)  # fmt: skip
def test_the_carriers_time_is_its_categorys_and_begins_when_it_is_opened(
    category: Any, days: int
) -> None:
    opened = a_standing(category=category).commanded("open", NOON)
    assert opened.due_at == NOON + timedelta(days=days)
    # Being told later gives it no more time.
    asked = opened.commanded("ask", LATER)
    assert (asked.state, asked.due_at) == ("waiting_for_carrier", opened.due_at)
    answered = asked.commanded("answer-received", LATER)
    assert answered.due_at == LATER + timedelta(days=5)
    again = answered.commanded("ask", LATER)
    assert again.due_at == LATER + timedelta(days=days)
    assert again.commanded("resolve", LATER).due_at is None


def test_a_ticket_is_overdue_once_its_time_is_over_and_drafts_and_ends_never() -> None:
    opened = a_standing().commanded("open", NOON)
    due = opened.due_at
    assert due is not None
    assert not opened.is_overdue(due)
    assert opened.is_overdue(due + timedelta(seconds=1))
    far = NOON + timedelta(days=900)
    assert not a_standing().is_overdue(far)
    assert not opened.commanded("close", NOON).is_overdue(far)
    for category in (*CATEGORIES, *HELP_CATEGORIES):
        assert a_standing(category=category).commanded("open", NOON).due_at is not None
