"""Money is never a float: neither by its name nor by its type, in any model or dataclass."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

import pytest
from pydantic import BaseModel

import services.fulfilment
import shared.contracts

_MONEY = re.compile(
    r"(^|_)(amounts?|prices?|totals?|fees?|cost|costs|sums?|balance|opening|closing|pending|posted"
    r"|per_order|per_item|own_contract|carriers|signed|left_over)($|_)"
)
_TYPES = {"Amount", "Price", "Decimal", "Money"}


def classes() -> Iterator[type]:
    for package in (services.fulfilment, shared.contracts):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if "__main__" in found.name or ".versions" in found.name:
                continue
            module = importlib.import_module(found.name)
            for one in vars(module).values():
                is_own = isinstance(one, type) and one.__module__ == module.__name__
                if is_own and (is_dataclass(one) or issubclass(one, BaseModel)):
                    yield one


def has_float(kind: Any) -> bool:
    return kind is float or any(has_float(part) for part in get_args(kind))


def floats_of(one: type) -> list[str]:
    names = one.model_fields if issubclass(one, BaseModel) else [f.name for f in fields(one)]  # type: ignore[arg-type]  # it is one
    hints = get_type_hints(one, include_extras=True)
    return [
        f"{one.__module__}.{one.__name__}.{name}"
        for name in names
        if has_float(hints[name]) and (_MONEY.search(name) or _is_money(one, name))
    ]


def _is_money(one: type, name: str) -> bool:
    said = str(one.__annotations__.get(name, ""))
    return any(kind in said for kind in _TYPES)


def test_no_money_is_a_float() -> None:
    found = list(classes())
    assert len(found) > 40
    assert [name for one in found for name in floats_of(one)] == []


@pytest.mark.parametrize("name", ["amount", "order_total", "per_item", "now_total", "unit_price"])
def test_a_float_of_such_a_name_would_be_seen(name: str) -> None:
    kind = type("Wrong", (BaseModel,), {"__annotations__": {name: dict[str, float | None]}})
    assert len(floats_of(kind)) == 1
