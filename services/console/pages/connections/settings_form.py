"""The forms of a connection's settings, as the API wants them. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

OWNERS = ("shipping_rules_owner", "billing_owner", "support_owner")


def typed_of(
    connection: Mapping[str, Any], like: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The settings as they are; who manages what as in another connection, when one is given."""
    owners = (like or connection)["settings"]
    return {
        **{name: owners[name] for name in OWNERS},
        "locked_settings": connection["locked_settings"],
        "log_in_as_brand": connection["log_in_as_brand"],
        "priority": connection["priority"],
    }


def owners_of(fields: Mapping[str, str]) -> dict[str, Any]:
    """Who manages what; what is locked was not sent, and stays."""
    return {name: fields[name] for name in OWNERS if fields[name]}


def brands_of(fields: Mapping[str, str], locked: Sequence[str]) -> dict[str, Any]:
    """What the brand alone sets; a priority that is no number is the API's to refuse."""
    priority = fields["priority"]
    return {
        "locked_settings": list(locked),
        "log_in_as_brand": fields["log_in_as_brand"],
        "priority": int(priority) if priority.isascii() and priority.isdigit() else priority,
    }
