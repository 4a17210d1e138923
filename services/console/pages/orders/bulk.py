"""Commands from forms: what was picked, what the API is asked, and what became of each. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from services.console.api.problem import ApiProblem
from services.console.rendering.errors import Errors, errors_of

# What undoes a command, where something does.
UNDO: Mapping[str, str] = {"process": "move-back", "move-back": "process"}
_HOLD = ("kind", "note", "release_by")
_MOST_FIELDS = 2_000


@dataclass(frozen=True, slots=True)
class Pick:
    """An order that was picked: at the version that was shown, and what it is called there."""

    order_id: str
    version: str
    number: str

    @property
    def value(self) -> str:
        """As a form has it."""
        return f"{self.order_id}:{self.version}:{self.number}"


@dataclass(frozen=True, slots=True)
class Results:
    """What became of the picked orders: those done, as they are now, and why others were not."""

    done: Sequence[Pick]
    refused: Sequence[tuple[Pick, Errors]]


def picks_of(values: Sequence[str]) -> list[Pick]:
    """What a form has, each order once."""
    split = [value.split(":", 2) for value in values if value.count(":") > 1]
    return list({one[0]: Pick(*one) for one in split}.values())


def pairs_of(query: str) -> list[tuple[str, str]]:
    """An address's query."""
    return parse_qsl(query, max_num_fields=_MOST_FIELDS)


def path_of(command: str) -> str:
    """A command as the last part of a path; what is none leads nowhere."""
    return command if command.replace("-", "").isalpha() and command.isascii() else "none"


def body_of(form: Mapping[str, str]) -> dict[str, Any]:
    """A command about one order."""
    body: dict[str, Any] = {"version": _number(form["version"])}
    if form["command"] == "hold":
        body |= {name: form[name] for name in _HOLD if form[name]}
    if form["hold_id"]:
        body["hold_id"] = form["hold_id"]
    return body


def commands_of(
    picks: Sequence[Pick], command: str, form: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The same command about many."""
    hold = {"hold": {name: form[name] for name in _HOLD if form[name]}}
    return [
        {
            "order_id": pick.order_id,
            "version": _number(pick.version),
            "command": command,
            **(hold if command == "hold" else {}),
        }
        for pick in picks
    ]


def _number(text: str) -> int | str:
    """As the API wants it; what is none, it refuses."""
    return int(text) if text.isascii() and text.isdigit() else text


def results_of(picks: Sequence[Pick], results: Sequence[Mapping[str, Any]]) -> Results:
    """Each pick with its result."""
    picked = {pick.order_id: pick for pick in picks}
    done: list[Pick] = []
    refused: list[tuple[Pick, Errors]] = []
    for one in results:
        pick = picked[one["order_id"]]
        if one["ok"]:
            done.append(Pick(pick.order_id, str(one["order"]["version"]), pick.number))
        else:
            refused.append((pick, _why(one["problem"])))
    return Results(done, refused)


def _why(problem: Mapping[str, Any]) -> Errors:
    return errors_of(ApiProblem("routing", problem["status"], problem))
