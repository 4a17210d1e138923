"""A price list in a form: one price in each field, rows of weight bands and carriers. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

Json = Mapping[str, Any]
Row = tuple[str, str]
_PLAIN = ("per_order", "per_item", "own_contract")
_HEAD = ("name", "currency", "charged_account", "valid_from")
# Of each kind of rows: where they stand in the form, and their two fields.
_BANDS = ("prices/weight_bands", "up_to_grams", "amount")
_CARRIERS = ("prices/carriers", "code", "amount")
_EMPTY: Row = ("", "")
_MOST_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form; rows that are empty are only there to be filled in."""

    head: Mapping[str, str]
    plain: Mapping[str, str]
    bands: tuple[Row, ...] = ()
    carriers: tuple[Row, ...] = ()

    @classmethod
    def of_form(cls, form: Mapping[str, str]) -> Self:
        """As it was sent."""
        return cls(
            {name: form[name] for name in _HEAD if name in form},
            {name: form[f"prices/{name}"] for name in _PLAIN if f"prices/{name}" in form},
            tuple(_rows(form, *_BANDS)),
            tuple(_rows(form, *_CARRIERS)),
        )

    @classmethod
    def of_list(cls, shown: Json) -> Self:
        """As the API has it, with the prices of the newest version."""
        prices = shown["prices"]
        return cls(
            {"name": shown["name"]},
            {name: prices[name] or "" for name in _PLAIN},
            tuple((str(b["up_to_grams"]), b["amount"]) for b in prices["weight_bands"] or ()),
            tuple((prices["carriers"] or {}).items()),
        )

    def __getitem__(self, name: str) -> str:
        """A field that is none of a row; empty if it is not there."""
        return self.head.get(name) or self.plain.get(name.removeprefix("prices/")) or ""

    def after(self, button: str) -> Self:
        """With a row more or less: `add:bands`, `remove:carriers:2`."""
        what, _, rest = button.partition(":")
        kind, _, number = rest.partition(":")
        if kind not in ("bands", "carriers"):
            return self
        rows: tuple[Row, ...] = getattr(self, kind)
        at = int(number) if number.isascii() and number.isdigit() else len(rows)
        changed = (*rows, _EMPTY) if what == "add" else (*rows[:at], *rows[at + 1 :])
        return replace(self, bands=changed) if kind == "bands" else replace(self, carriers=changed)

    def prices(self) -> Json:
        """As the API takes them; what is empty is left out."""
        found: dict[str, Any] = {name: value for name, value in self.plain.items() if value}
        if self.bands:
            found["weight_bands"] = [
                {"up_to_grams": _count(grams), "amount": amount} for grams, amount in self.bands
            ]
        if self.carriers:
            found["carriers"] = dict(self.carriers)
        return found

    def twice(self) -> dict[str, str]:
        """Carriers that are there already: of two prices the API would see one."""
        codes = [code for code, _ in self.carriers]
        return {
            f"prices/carriers/{n}/code": "is there already"
            for n, code in enumerate(codes)
            if code in codes[:n]
        }

    def beside(self, pointers: Mapping[str, str]) -> dict[str, str]:
        """What is wrong by the API, each beside the field that it is about."""
        places = {}
        for n, (code, _) in enumerate(self.carriers):
            pointer = "/prices/carriers/" + code.replace("~", "~0").replace("/", "~1")
            places[pointer] = f"prices/carriers/{n}/amount"
            places[f"{pointer}/[key]"] = f"prices/carriers/{n}/code"
        return {
            places.get(pointer, pointer.removeprefix("/")): said
            for pointer, said in pointers.items()
        }


def _rows(form: Mapping[str, str], place: str, first: str, second: str) -> Iterator[Row]:
    """Those in which anything stands."""
    n = 0
    while f"{place}/{n}/{first}" in form:
        row = form[f"{place}/{n}/{first}"], form[f"{place}/{n}/{second}"]
        if any(row):
            yield row
        n += 1


def _count(text: str) -> int | str:
    """A number as such; what is none goes to the API as it is, which says so."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < _MOST_DIGITS else text


def others(names: Mapping[str, str], but: Iterable[str]) -> list[tuple[str, str]]:
    """Accounts to choose one from, by name."""
    left = [(id_, name) for id_, name in names.items() if id_ not in set(but)]
    return sorted(left, key=lambda one: one[1].casefold())
