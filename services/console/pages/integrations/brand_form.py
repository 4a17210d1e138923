"""The Add Brand form: what was typed, as the API wants it. Pure."""

from collections.abc import Mapping
from typing import Any

from services.console.words.marks import N_

# Names are JSON Pointers of the API, so that its errors stand beside their fields.
_CONTACT = ("name", "email", "phone", "language")
_WAREHOUSE = ("name", "address1", "address2", "city", "zip", "region", "country")
_STORE = ("store_url", "platform")
TEXTS = (
    *(f"contact/{name}" for name in _CONTACT),
    *(f"warehouse/{name}" for name in _WAREHOUSE),
    *_STORE,
    "company_name",
    "monthly_order_range",
    "priorities_note",
)
PLATFORMS = (("shopify", "Shopify"), ("woocommerce", "WooCommerce"), ("custom", N_("Another one")))
RANGES = ("0-100", "101-1000", "1001-5000", "5001-20000", "20001+")


def blank(language: str) -> dict[str, Any]:
    """The form before anything was typed."""
    typed: dict[str, Any] = dict.fromkeys(TEXTS, "")
    return typed | {"contact/language": language, "priorities": [], "send_mail": False}


def typed(fields: Mapping[str, str], priorities: list[str]) -> dict[str, Any]:
    """The form as it was sent, to be shown again."""
    sent: dict[str, Any] = {name: fields[name] for name in TEXTS}
    return sent | {"priorities": priorities, "send_mail": bool(fields["send_mail"])}


def body_of(values: Mapping[str, Any], *, is_new: bool) -> dict[str, Any]:
    """What is sent to the API; of a brand that is there, its store stays.

    A warehouse is none when nothing of it was typed.
    """
    warehouse = {name: values[f"warehouse/{name}"] or None for name in _WAREHOUSE}
    body: dict[str, Any] = {
        "contact": {
            name: values[f"contact/{name}"] or (None if name == "phone" else "")
            for name in _CONTACT
        },
        "company_name": values["company_name"],
        "warehouse": _needed(warehouse) if any(warehouse.values()) else None,
        "monthly_order_range": values["monthly_order_range"] or None,
        "priorities": values["priorities"],
        "priorities_note": values["priorities_note"] or None,
    }
    if is_new:
        body |= {name: values[name] for name in _STORE} | {"send_mail": values["send_mail"]}
    return body


def of_brand(brand: Mapping[str, Any]) -> dict[str, Any]:
    """The form of a brand that is there."""
    contact, warehouse = brand["contact"], brand["warehouse"] or {}
    return {
        **{f"contact/{name}": contact[name] or "" for name in _CONTACT},
        **{f"warehouse/{name}": warehouse.get(name) or "" for name in _WAREHOUSE},
        "company_name": brand["company_name"],
        "monthly_order_range": brand["monthly_order_range"] or "",
        "priorities": brand["priorities"],
        "priorities_note": brand["priorities_note"] or "",
    }


def _needed(warehouse: Mapping[str, str | None]) -> dict[str, str]:
    """Without what was left empty: the API says what it misses."""
    return {name: value for name, value in warehouse.items() if value is not None}
