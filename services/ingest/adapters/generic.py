"""The generic API: orders in Relevo's own shape. Pure."""

from pydantic import TypeAdapter, ValidationError

from shared.contracts import Order

_ONE = TypeAdapter(Order)
_MANY = TypeAdapter(list[Order])


def parse(body: bytes, content_type: str) -> list[Order]:
    """The orders in a body: one object, a JSON array, or NDJSON (`application/x-ndjson`).

    Raises:
        ValidationError: malformed JSON (`json_invalid`) or wrong fields; locations start with the
            index of the order when there are several.
    """
    if content_type.startswith("application/x-ndjson"):
        lines = [line for line in body.splitlines() if line.strip()]
        return _MANY.validate_json(b"[" + b",".join(lines) + b"]")
    if body.lstrip()[:1] == b"[":
        return _MANY.validate_json(body)
    return [_ONE.validate_json(body)]


def is_malformed(error: ValidationError) -> bool:
    """Whether the body is no JSON at all, as opposed to JSON with wrong fields."""
    return any(each["type"] == "json_invalid" for each in error.errors(include_input=False))
