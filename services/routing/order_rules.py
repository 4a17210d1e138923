"""The order rules of a connection that counted when an order was accepted. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Self

from pydantic import TypeAdapter, ValidationError

from shared.contracts.connections_changed import OrderRulesVersion
from shared.failures import Permanent
from shared.rules.order_rules import EVERYTHING, OrderRules

_stored = TypeAdapter(tuple[OrderRulesVersion, ...])
# As a connection without rules has them.
NONE = "[]"


@dataclass(frozen=True, slots=True)
class Counting:
    """A version of the rules; version 0: there were none yet."""

    version: int
    effective_at: datetime
    rules: OrderRules

    @classmethod
    def of(cls, told: OrderRulesVersion) -> Self:
        """As `connections` tells it.

        Raises:
            ValidationError: it has a condition that this release does not know.
        """
        rules = OrderRules.model_validate({"rules": told.rules, "default": told.default})
        return cls(told.version, told.effective_at, rules)


def as_stored(versions: Sequence[OrderRulesVersion]) -> str:
    """As the row of a connection keeps them."""
    return _stored.dump_json(tuple(versions)).decode() if versions else NONE


def counted(stored: str, accepted_at: datetime) -> tuple[int, OrderRules]:
    """The rules that counted at a time, and which version they are.

    Before the first version every order was sent (version 0).

    Raises:
        Permanent: this release does not know a condition in them: whose order it is, nobody can
            say here.
    """
    if stored == NONE:
        return 0, EVERYTHING
    try:
        versions = _read(stored)
    except ValidationError as error:
        flaws = error.errors(include_url=False, include_input=False)
        where = "/".join(str(part) for part in flaws[0]["loc"])
        raise Permanent(
            f"order rules that cannot be read here: {where}: {flaws[0]['msg']}"
        ) from error
    found = [one for one in versions if one.effective_at <= accepted_at]
    if not found:
        return 0, EVERYTHING
    newest = max(found, key=lambda one: one.version)
    return newest.version, newest.rules


@lru_cache(maxsize=200)
def _read(stored: str) -> Sequence[Counting]:
    """Read once for all batches: the text is the same until the connection changes."""
    return [Counting.of(told) for told in _stored.validate_json(stored)]
