"""What the forms of a shipment say to the API, and what the API says of their fields. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.console.api.problem import ApiProblem
from services.console.pages.orders.bulk import Pick, Results
from services.console.pages.shipping_rules import ways
from services.console.rendering.errors import Errors, errors_of

Json = dict[str, Any]
MOST_BOXES = 100
MEASURES = ("weight_grams", "length_mm", "width_mm", "height_mm")
_SEEN = ("tracking_number", "tracking_url", "status")
_MOST_DIGITS = 15
_PLACE = re.compile(r"[0-9]{1,4}")


def number(text: str) -> int | str:
    """As the API wants it; what is none, it refuses."""
    is_one = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if is_one else text


def rows(form: Mapping[str, str], place: str = "parcels") -> int:
    """How many rows of a list a form has: `parcels/0/…` is the first."""
    places = [name.split("/")[1] for name in form if name.startswith(f"{place}/")]
    return 1 + max((int(one) for one in places if _PLACE.fullmatch(one)), default=-1)


def _choose(form: Mapping[str, str]) -> tuple[Json, Sequence[int]]:
    return {"shipping": ways.shipping_of(form, "shipping") or {}}, ()


def _pack(form: Mapping[str, str]) -> tuple[Json, Sequence[int]]:
    boxes = [_row(form, f"parcels/{at}", MEASURES) for at in range(rows(form))]
    return {"parcels": boxes}, ()


def _split(form: Mapping[str, str]) -> tuple[Json, Sequence[int]]:
    said = {
        at: _row(form, f"lines/{at}", ("index", "quantity")) for at in range(rows(form, "lines"))
    }
    found = [at for at, one in said.items() if "quantity" in one]
    return {"lines": [said[at] for at in found]}, found


def _track(form: Mapping[str, str]) -> tuple[Json, Sequence[int]]:
    said = {at: _row(form, f"parcels/{at}", _SEEN) for at in range(rows(form))}
    found = [at for at, one in said.items() if one]
    return {"parcels": [{"number": at + 1, **said[at]} for at in found]}, found


def _row(form: Mapping[str, str], place: str, names: Iterable[str]) -> Json:
    return {
        name: form[f"{place}/{name}"] if name in _SEEN else number(form[f"{place}/{name}"])
        for name in names
        if form[f"{place}/{name}"]
    }


def _nothing_more(_: Mapping[str, str]) -> tuple[Json, Sequence[int]]:
    return {}, ()


_Body = Callable[[Mapping[str, str]], tuple[Json, Sequence[int]]]
# By the button: method and path of the API, and what is sent besides the version.
COMMANDS: Mapping[str, tuple[str, str, _Body]] = {
    "choose": ("POST", "carrier", _choose),
    "split": ("POST", "split", _split),
    "pack": ("PUT", "parcels", _pack),
    "track": ("POST", "tracking", _track),
    "ship": ("POST", "ship", _nothing_more),
    "buy": ("POST", "label", _nothing_more),
    "give-back": ("POST", "label/cancel", _nothing_more),
}


def body_of(command: str, form: Mapping[str, str]) -> tuple[Json, Sequence[int]]:
    """The body of a command, and which rows of the form it is made of, when not of all."""
    body, sent = COMMANDS[command][2](form)
    return {"version": number(form["version"]), **body}, sent


def as_typed(errors: Errors, sent: Sequence[int]) -> Errors:
    """Beside the rows that they are about: rows that were left empty were not sent."""

    def named(name: str) -> str:
        parts = name.split("/")
        if len(parts) > 2 and parts[1].isdigit() and int(parts[1]) < len(sent):  # noqa: PLR2004  list, row, field
            parts[1] = str(sent[int(parts[1])])
        return "/".join(parts)

    return replace(errors, fields={named(name): said for name, said in errors.fields.items()})


def many(picks: Sequence[Pick]) -> Json:
    """The same about many, each at the version that was shown."""
    return {
        "shipments": [
            {"shipment_id": pick.order_id, "version": number(pick.version)} for pick in picks
        ]
    }


def results_of(picks: Sequence[Pick], results: Sequence[Mapping[str, Any]]) -> Results:
    """Each pick with what became of it."""
    picked = {pick.order_id: pick for pick in picks}
    done: list[Pick] = []
    refused: list[tuple[Pick, Errors]] = []
    for one in results:
        pick = picked[one["shipment_id"]]
        if one["ok"]:
            done.append(Pick(pick.order_id, str(one["shipment"]["version"]), pick.number))
        else:
            problem = ApiProblem("fulfilment", one["problem"]["status"], one["problem"])
            refused.append((pick, errors_of(problem)))
    return Results(done, refused)
