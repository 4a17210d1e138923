"""Order rules: which orders of a store a connection's 3PL is sent, and which not. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.rules.conditions import Condition, PaymentMethod, Word, readable, walk
from shared.rules.facts import Facts
from shared.rules.rules import MOST_RULES, first_that_fits

Action = Literal["send", "do_not_send"]


def _of_orders(condition: Condition) -> Condition:
    """A condition that may decide whose an order is.

    Raises:
        ValueError: it asks how the order is paid, which is not known yet when it enters.
    """
    if any(isinstance(one, PaymentMethod) for one, _ in walk(condition)):
        raise ValueError(
            "payment_method decides no order: a rule looks once, and payment may come later"
        )
    return readable(condition)


class OrderRule(BaseModel):
    """Orders that fit are sent to the 3PL, or are not."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", serialize_by_alias=True, populate_by_name=True
    )

    name: Annotated[Word, Field(max_length=100)]
    condition: Annotated[Condition, AfterValidator(_of_orders)] = Field(alias="if")
    then: Action


class OrderRules(BaseModel):
    """The rules of a connection: the first that fits decides, `default` where none does."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    rules: Annotated[tuple[OrderRule, ...], Field(max_length=MOST_RULES)] = ()
    default: Action = "send"


EVERYTHING = OrderRules()


@dataclass(frozen=True, slots=True)
class Sending:
    """Whether an order is sent, by which rule (None: by the default), and the facts it is by."""

    rules: OrderRules
    facts: Facts
    index: int | None

    @classmethod
    def of(cls, rules: OrderRules, facts: Facts) -> Self:
        """By the first rule that fits."""
        found = first_that_fits(rules.rules, facts)
        return cls(rules, facts, found[0] if found else None)

    @property
    def rule(self) -> OrderRule | None:
        """The rule that decides."""
        return None if self.index is None else self.rules.rules[self.index]

    @property
    def is_sent(self) -> bool:
        """Whether the 3PL gets it."""
        return (self.rule.then if self.rule else self.rules.default) == "send"

    def why(self) -> dict[str, Any]:
        """For a history: the rule by its place (from 1) and name, and what it saw."""
        action = "send" if self.is_sent else "do_not_send"
        if self.rule is None or self.index is None:
            return {"then": action, "rule": None}
        verdict = self.rule.condition.look(self.facts)
        rule = {"number": self.index + 1, "name": self.rule.name, "if": verdict.as_json()}
        return {"then": action, "rule": rule}

    def why_not(self) -> Sequence[dict[str, Any]]:
        """For a person who asks: each rule that was passed over, and what it saw."""
        passed = self.rules.rules if self.index is None else self.rules.rules[: self.index]
        return [
            {"number": number, "name": rule.name, "if": rule.condition.look(self.facts).as_json()}
            for number, rule in enumerate(passed, 1)
        ]
