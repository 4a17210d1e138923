"""The conditions for whoever shows an editor: each with what it asks for. Pure."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

from pydantic import BaseModel, Field

from shared.rules.conditions import Condition, PaymentMethod

RulesOf = Literal["order_rules", "shipping_rules"]


class ConditionKind(BaseModel):
    """One kind of condition.

    `schema` is the JSON Schema (2020-12) of the whole condition; where a condition stands in
    another one, it is only `{"type": "object"}` there.
    """

    kind: str
    summary: str
    used_in: list[RulesOf]
    json_schema: dict[str, Any] = Field(serialization_alias="schema")


def conditions() -> Sequence[ConditionKind]:
    """Every kind, in the order of the language."""
    return [_described(model) for model in get_args(get_args(Condition)[0])]


def _described(model: type[BaseModel]) -> ConditionKind:
    schema = _without_others(model.model_json_schema(by_alias=True))
    everywhere: list[RulesOf] = ["order_rules", "shipping_rules"]
    return ConditionKind(
        kind=schema["properties"]["kind"]["const"],
        summary=(model.__doc__ or "").split("\n\n")[0],
        # What an order is paid by may change after it entered: a rule that looks once is no place
        # for it. Which carrier takes cash on delivery is one.
        used_in=["shipping_rules"] if model is PaymentMethod else everywhere,
        json_schema=schema,
    )


def _without_others(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        # Of a kind that contains others: its own part of the definitions.
        schema = schema["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    schema = {name: value for name, value in schema.items() if name not in ("$defs", "title")}
    properties = schema["properties"]
    for name, one in properties.items():
        one.pop("title", None)
        if name == "condition":
            properties[name] = {"type": "object"}
        elif name == "conditions":
            one["items"] = {"type": "object"}
    return schema
