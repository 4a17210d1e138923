"""Shipping rules: by which carrier and service an account's orders are shipped. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.rules.conditions import Word
from shared.rules.facts import Facts
from shared.rules.rules import MOST_RULES, ReadableCondition, first_that_fits

_Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,99}$")]
Outcome = Literal["rule", "fallback", "needs_carrier", "no_rules"]


class Shipping(BaseModel):
    """How an order is shipped: the carrier, its service, its options, and from which warehouse."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    carrier: _Code
    service: _Code | None = None
    options: dict[_Code, Word] = Field(
        default_factory=dict, max_length=20, json_schema_extra={"additionalProperties": False}
    )
    warehouse: Word | None = None


class ShippingRule(BaseModel):
    """Orders that fit are shipped so."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", serialize_by_alias=True, populate_by_name=True
    )

    name: Annotated[Word, Field(max_length=100)]
    condition: ReadableCondition = Field(alias="if")
    then: Shipping


class ShippingRules(BaseModel):
    """The rules of an account: the first that fits decides, `fallback` where none does.

    Without a fallback such an order needs a carrier: a person or a changed rule chooses one, never
    a silent default. An account without any rules ships by a system of its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    rules: Annotated[tuple[ShippingRule, ...], Field(max_length=MOST_RULES)] = ()
    fallback: Shipping | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a list of rules says of an order: how it is shipped, and by which rule.

    `shipping` is None where a carrier is needed, or the account ships by its own system; `index` is
    that of the rule, None where none fits.
    """

    outcome: Outcome
    shipping: Shipping | None
    index: int | None
    rules: ShippingRules
    facts: Facts

    @classmethod
    def of(cls, rules: ShippingRules, facts: Facts) -> Self:
        """By the first rule that fits."""
        found = first_that_fits(rules.rules, facts)
        if found is not None:
            return cls("rule", found[1].then, found[0], rules, facts)
        if rules.fallback is not None:
            return cls("fallback", rules.fallback, None, rules, facts)
        return cls("needs_carrier" if rules.rules else "no_rules", None, None, rules, facts)

    def why(self) -> dict[str, Any] | None:
        """The rule by its place (from 1) and name, and what it saw; None where none fits."""
        return None if self.index is None else self._told(self.index)

    def why_not(self) -> Sequence[dict[str, Any]]:
        """Each rule that was passed over, and what it saw."""
        passed = len(self.rules.rules) if self.index is None else self.index
        return [self._told(index) for index in range(passed)]

    def _told(self, index: int) -> dict[str, Any]:
        rule = self.rules.rules[index]
        saw = rule.condition.look(self.facts).as_json()
        return {"number": index + 1, "name": rule.name, "if": saw}
