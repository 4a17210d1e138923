"""What is wrong with a form, beside the fields that it is about. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.console.api.problem import ApiProblem


@dataclass(frozen=True, slots=True)
class Errors:
    """Of one form: what is wrong with it as a whole, and with its fields by name.

    A name is the JSON Pointer of the API without its first slash: `contact/email`. `code` and
    `facts` are the API's (docs/problems.md), `detail` its sentence.
    """

    code: str = ""
    detail: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is anything wrong."""
        return bool(self.code or self.detail or self.fields)

    def of(self, name: str) -> str:
        """What is wrong with a field, empty when nothing is."""
        return self.fields.get(name, "")

    @classmethod
    def at(cls, name: str, message: str) -> "Errors":
        """One field is wrong."""
        return cls(code="validation_failed", fields={name: message})


NONE = Errors()


def errors_of(problem: ApiProblem) -> Errors:
    """What an API says about a form that was sent to it."""
    return Errors(
        code=problem.code,
        detail=problem.detail,
        facts={name: _shown(value) for name, value in problem.body.items()},
        fields=dict(_beside_fields(problem.fields)),
    )


def _beside_fields(pointers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What is wrong with one of a list stands beside the field that has them all."""
    for pointer, text in reversed(list(pointers.items())):
        name, _, last = pointer.removeprefix("/").rpartition("/")
        yield (name if name and last.isdigit() else pointer.removeprefix("/")), text


def _shown(value: Any) -> Any:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else value
