"""A way of shipping as the fields of a form, and back. Pure."""

import json
from collections.abc import Mapping

from services.console.pages.rules.draft import Json

_NAMES = ("carrier", "service", "warehouse", "options")


def typed_of(shipping: Json | None, place: str) -> dict[str, str]:
    """A way of shipping as its fields; options, which a form has none for, are kept."""
    found = shipping or {}
    options = found.get("options") or {}
    typed = {f"{place}/{name}": str(found.get(name) or "") for name in _NAMES}
    return {**typed, f"{place}/options": json.dumps(options) if options else ""}


def shipping_of(fields: Mapping[str, str], place: str) -> Json | None:
    """The way of shipping that fields say; None when all are empty."""
    typed = {name: fields[f"{place}/{name}"] for name in _NAMES if fields[f"{place}/{name}"]}
    if "options" in typed:
        try:
            return {**typed, "options": json.loads(typed["options"])}
        except ValueError:
            return typed
    return typed or None
