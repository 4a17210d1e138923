"""Lists of rules: ordered, the first that fits decides, a default at the end. Pure."""

from collections.abc import Sequence
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import AfterValidator

from shared.rules.conditions import Condition, readable
from shared.rules.facts import Facts

MOST_RULES = 200
ReadableCondition = Annotated[Condition, AfterValidator(readable)]


class HasCondition(Protocol):
    """A rule: a condition, and what its user does when it fits."""

    @property
    def condition(self) -> Any:
        """One of `shared.rules.conditions`."""


Rule = TypeVar("Rule", bound=HasCondition)


def first_that_fits(rules: Sequence[Rule], facts: Facts) -> tuple[int, Rule] | None:
    """The first rule that fits an order, and where it stands; None: the default decides.

    A rule whose condition the order does not answer does not fit. Why it is so, a rule's
    `condition.look` says.
    """
    for index, rule in enumerate(rules):
        if rule.condition.test(facts):
            return index, rule
    return None
