"""One rule in a form: each condition with the fields that the catalogue names. Pure.

What the form cannot show as fields (`any`, `not`, other stores) is shown in words and kept.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError

from services.console.rendering.errors import NONE, Errors
from shared.rules.conditions import Condition

Json = Mapping[str, Any]
Shape = Literal["lines", "number", "text", "choice", "checks"]
# What has others in it is no row of fields, and ids of stores are nothing to type.
_IN_WORDS = ("all", "any", "not", "store")
# Where a flaw of a whole condition stands.
_FIRST = ("at_least", "first", "since")
_CONDITION: TypeAdapter[Any] = TypeAdapter(Condition)


@dataclass(frozen=True, slots=True)
class Control:
    """A field of a condition: how it is filled in."""

    name: str
    shape: Shape
    options: Sequence[str]
    required: bool
    default: Any


@dataclass(frozen=True, slots=True)
class Part:
    """One condition: what was typed into its fields, or whole (`kept`) where it has none."""

    kind: str
    controls: Sequence[Control] = ()
    typed: Mapping[str, Any] | None = None
    kept: Json | None = None

    @property
    def packed(self) -> str:
        """What is kept, as a value of the form."""
        return "" if self.kept is None else orjson.dumps(self.kept).decode()

    def condition(self) -> Json:
        """As the API takes it; what is empty is left out."""
        if self.kept is not None:
            return self.kept
        typed = self.typed or {}
        read = {one.name: _read(self.kind, one, typed.get(one.name)) for one in self.controls}
        return {
            "kind": self.kind,
            **{name: value for name, value in read.items() if value not in ("", [])},
        }


def kinds_of(catalogue: Sequence[Json], used_in: str) -> dict[str, Sequence[Control]]:
    """The kinds of condition that a form of such rules can show, each with its fields."""
    return {
        one["kind"]: _controls(one["schema"])
        for one in catalogue
        if used_in in one["used_in"] and one["kind"] not in _IN_WORDS
    }


@dataclass(frozen=True, slots=True)
class Edited:
    """A rule as it stands in the form; `then` are the fields that say what it does."""

    name: str
    then: Mapping[str, str]
    parts: Sequence[Part]

    @classmethod
    def of(
        cls, rule: Json, then: Mapping[str, str], kinds: Mapping[str, Sequence[Control]]
    ) -> Self:
        """A rule that there is."""
        found = rule["if"]
        inside = found["conditions"] if found["kind"] == "all" else [found]
        return cls(rule["name"], then, [_part(one, kinds) for one in inside])

    @classmethod
    def typed(
        cls,
        fields: Mapping[str, str],
        pairs: Sequence[tuple[str, str]],
        then: Sequence[str],
        kinds: Mapping[str, Sequence[Control]],
    ) -> Self:
        """What a form was filled in with; a condition with `gone` is left out.

        Args:
            fields: by name.
            pairs: the same, with all values.
            then: names of the fields that say what the rule does.
            kinds: what it may ask.
        """
        parts = []
        number = 1
        while fields[f"if/{number}/kind"]:
            place, kind = f"if/{number}/", fields[f"if/{number}/kind"]
            number += 1
            kept = _kept(fields[f"{place}kept"])
            if fields[f"{place}gone"] or (kept is None and kind not in kinds):
                continue
            if kept is not None:
                parts.append(Part(kind, kept=kept))
                continue
            typed = {
                one.name: [value for name, value in pairs if name == place + one.name]
                if one.shape == "checks"
                else fields[place + one.name]
                for one in kinds[kind]
            }
            parts.append(Part(kind, kinds[kind], typed))
        return cls(fields["name"], {name: fields[name] for name in then}, parts)

    def and_one(self, kind: str, kinds: Mapping[str, Sequence[Control]]) -> Self:
        """With one condition more, to be filled in."""
        if kind not in kinds:
            return self
        typed = {one.name: one.default for one in kinds[kind]}
        return type(self)(self.name, self.then, [*self.parts, Part(kind, kinds[kind], typed)])

    def rule(self, model: type[BaseModel], then: Any) -> tuple[Json | None, Errors]:
        """The rule as the API takes it, or what is wrong with it.

        Args:
            model: of such a rule.
            then: what it does, in the API's shape.
        """
        wrong: dict[str, str] = {}
        for number, part in enumerate(self.parts, 1):
            try:
                _CONDITION.validate_python(part.condition())
            except ValidationError as error:
                wrong |= _flaws(error, f"if/{number}", part)
        if not self.parts:
            wrong["if"] = "Field required"
        if not self.name:
            wrong["name"] = "Field required"
        if wrong:
            return None, Errors(code="validation_failed", fields=wrong)
        inside = [part.condition() for part in self.parts]
        condition = inside[0] if len(inside) == 1 else {"kind": "all", "conditions": inside}
        try:
            made = model.model_validate({"name": self.name, "if": condition, "then": then})
        except ValidationError as error:
            fields = {_name_of(one["loc"]): str(one["msg"]) for one in error.errors()}
            return None, Errors(code="validation_failed", fields=fields)
        return made.model_dump(mode="json", exclude_unset=True), NONE


def after(
    button: str,
    fields: Mapping[str, str],
    pairs: Sequence[tuple[str, str]],
    kinds: Mapping[str, Sequence[Control]],
    there: Edited | None,
    new: Edited,
) -> Edited:
    """The rule in its form, after a button.

    Args:
        button: `edit` shows the one that is `there`, `add` a new one; `more` and `done` have what
            was typed. `add` and `more` bring a condition of the kind that was chosen.
        fields: by name.
        pairs: the same, with all values.
        kinds: what it may ask.
        there: the rule that is edited, None for one that is not in the draft.
        new: one with nothing in it; its `then` names the fields.
    """
    edited = new
    if button == "edit" and there is not None:
        edited = there
    elif button in ("more", "done"):
        edited = Edited.typed(fields, pairs, tuple(new.then), kinds)
    return edited.and_one(fields["kind"], kinds) if button in ("add", "more") else edited


def _name_of(loc: Sequence[Any]) -> str:
    """The field of a flaw: of a condition, that of all of them."""
    return "if" if loc[0] == "if" else "/".join(str(part) for part in loc)


def _kept(packed: str) -> Json | None:
    try:
        found = _CONDITION.validate_json(packed) if packed else None
    except ValidationError:
        return None
    return found and found.model_dump(mode="json", exclude_unset=True)


def _part(condition: Json, kinds: Mapping[str, Sequence[Control]]) -> Part:
    kind = condition["kind"]
    if kind not in kinds:
        return Part(kind, kept=condition)
    typed = {one.name: _shown(condition.get(one.name, one.default)) for one in kinds[kind]}
    return Part(kind, kinds[kind], typed | {
        one.name: condition.get(one.name, one.default)
        for one in kinds[kind] if one.shape == "checks"
    })  # fmt: skip


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "\n".join(str(one) for one in value)
    return "" if value is None else str(value)


def _read(kind: str, control: Control, typed: Any) -> Any:
    if not isinstance(typed, str):
        return list(typed or ())
    if control.shape == "lines":
        # No country has a comma in it, other words may.
        words = re.split(r"[\n,]", typed) if kind == "country" else typed.splitlines()
        return [word.strip() for word in words if word.strip()]
    text = typed.strip()
    if control.shape == "number" and text.isascii() and text.isdigit():
        return int(text)
    return text


def _controls(schema: Json) -> Sequence[Control]:
    return [
        _control(name, one, name in schema.get("required", ()))
        for name, one in schema["properties"].items()
        if name != "kind"
    ]


def _control(name: str, schema: Json, required: bool) -> Control:  # noqa: FBT001  of the schema
    default = schema.get("default")
    for one in schema.get("anyOf", ()):
        if one.get("type") != "null":
            schema = one
    options = schema.get("enum") or schema.get("items", {}).get("enum") or ()
    shape: Shape = "choice" if options else "text"
    if schema.get("type") == "array":
        shape = "checks" if options else "lines"
    elif schema.get("type") == "integer":
        shape = "number"
    return Control(name, shape, options, required, default if default is not None else "")


def _flaws(error: ValidationError, place: str, part: Part) -> dict[str, str]:
    names = [one.name for one in part.controls]
    first = next((name for name in _FIRST if name in names), names[0] if names else "kind")
    # The first step is the kind that it was taken for.
    return {
        f"{place}/{one['loc'][1] if len(one['loc']) > 1 else first}": str(one["msg"])
        for one in reversed(error.errors())
    }
