"""The order rules of a connection as they are kept. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from shared.contracts.connections_changed import SETTINGS_HISTORY, OrderRulesVersion
from shared.rules.order_rules import Action, OrderRules

# What a message of a connection has besides is small, and a record of Kafka has a megabyte at most.
MOST_BYTES = 400_000


@dataclass(frozen=True, slots=True)
class RulesVersion:
    """One version; set by nobody known: it was taken over from the log. 0: none was ever set."""

    version: int
    rules: Sequence[Mapping[str, Any]]
    default_action: Action
    effective_at: datetime | None
    set_by: UUID | None

    def says(self, wanted: OrderRules) -> bool:
        """Whether these are the rules that somebody wants."""
        return wanted == OrderRules.model_validate(
            {"rules": self.rules, "default": self.default_action}
        )


NONE = RulesVersion(0, (), "send", None, None)


def as_sent(rules: OrderRules) -> list[dict[str, Any]]:
    """The rules as JSON without what was left out: they are no larger than the request was."""
    kept: list[dict[str, Any]] = rules.model_dump(mode="json", exclude_unset=True).get("rules", [])
    return kept


def wait_for_room(versions: Sequence[OrderRulesVersion], now: datetime) -> timedelta | None:
    """How long until the newest of the versions can be told with those that count; None: now.

    Args:
        versions: those that a message would have, oldest first.
        now: when the newest would be made.
    """
    sizes = [len(orjson.dumps(one.model_dump(mode="json"))) for one in versions]
    total = sum(sizes)
    wait = None
    # A version is no longer told when the one after it has counted for the whole period.
    for size, after in zip(sizes, versions[1:], strict=False):
        if total <= MOST_BYTES:
            break
        total -= size
        wait = max(after.effective_at + SETTINGS_HISTORY - now, timedelta(seconds=1))
    return wait
