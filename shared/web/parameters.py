"""What an operation has not is refused: a misspelt filter would show all, a field would be lost."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel, ConfigDict

from shared.contracts.fields import PRINTABLE
from shared.failures import Refused

SearchText = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=100,
        pattern=PRINTABLE,
        description="Beginnings of words, each of which has to be found; letter case and accents "
        "do not matter.",
    ),
]


class Form(BaseModel):
    """The body of a request; a field that it has not is refused by name."""

    model_config = ConfigDict(extra="forbid")


async def _only_known_parameters(request: Request) -> None:
    """Look at the names in the query.

    Raises:
        Refused: `validation_failed`, naming those that the operation has not.
    """
    if not request.query_params:
        return
    known = set(_names(request.scope["route"].dependant))
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        errors = [
            {"pointer": f"/{name}", "message": "there is no such parameter"} for name in unknown
        ]
        raise Refused("validation_failed", errors=errors)


def _names(dependant: Dependant) -> Iterator[str]:
    for parameter in dependant.query_params:
        yield parameter.alias
    for dependency in dependant.dependencies:
        yield from _names(dependency)


only_known_parameters = Depends(_only_known_parameters)
