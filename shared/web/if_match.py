"""`If-Match`: the version that a change is made to (RFC 9110, 13.1.1)."""

from typing import Annotated

from fastapi import Depends, Header

from shared.failures import Refused

_LONGEST_VERSION = 18


async def if_match(
    value: Annotated[
        str | None,
        Header(
            alias="If-Match",
            description='The version you read: `"7"`.',
            json_schema_extra={"pattern": r'^(W/)?"?[0-9]{1,18}"?$'},
        ),
    ] = None,
) -> int | None:
    """The version in `If-Match` (RFC 9110, 13.1.1); None when it was not sent.

    Raises:
        Refused: `validation_failed`: it is not a version of ours.
    """
    if value is None:
        return None
    text = value.strip().removeprefix("W/").strip('"')
    # ASCII digits of a bigint at most: `²` is a digit to Python too, and int() has its own limit.
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_VERSION):
        raise Refused(
            "validation_failed",
            errors=[{"pointer": "/If-Match", "message": 'not a version such as "7"'}],
        )
    return int(text)


IfMatch = Annotated[int | None, Depends(if_match)]
