"""What the bench sends, as bytes made beforehand: Shopify order webhooks of 1.5 kB, signed."""

import base64
import hashlib
import hmac

import orjson

BODY_BYTES = 1_500


def body(external_id: int, at: str) -> bytes:
    """A Shopify order webhook of about 1.5 kB.

    Args:
        external_id: Shopify's numeric id.
        at: `created_at` and `updated_at`, RFC 3339.
    """
    address = {
        "name": "Ana Ruiz", "address1": "Hafenstrasse 4", "city": "Hamburg", "zip": "20457",
        "province": "Hamburg", "country": "Germany", "country_code": "DE", "phone": None,
    }  # fmt: skip
    order = {
        "id": external_id, "name": f"#{external_id}", "created_at": at, "updated_at": at,
        "cancelled_at": None, "currency": "EUR", "total_price": "63.90",
        "email": "ana@example.com", "financial_status": "paid", "tags": "vip, fragile",
        "total_weight": 820, "test": False,
        "customer": {"id": 77, "first_name": "Ana", "last_name": "Ruiz"},
        "shipping_address": address, "billing_address": address,
        "line_items": [
            {"id": 14_800_000_000_001 + n, "title": "Mug", "variant_title": "Blue",
             "quantity": 1, "price": "29.00", "sku": f"MUG-{n}", "grams": 410,
             "requires_shipping": True}
            for n in range(2)
        ],
        "shipping_lines": [{"code": "DHL", "title": "DHL Parcel", "price": "5.90"}],
        "note": "",
    }  # fmt: skip
    missing = BODY_BYTES - len(orjson.dumps(order))
    order["note"] = "x" * max(0, missing)
    return orjson.dumps(order)


def request(host: str, store_id: str, secret: str, content: bytes) -> bytes:
    """The whole HTTP/1.1 request, signed as Shopify signs."""
    digest = hmac.new(secret.encode(), content, hashlib.sha256).digest()
    head = (
        f"POST /webhooks/shopify/{store_id} HTTP/1.1\r\nhost: {host}\r\n"
        f"content-type: application/json\r\nx-shopify-topic: orders/create\r\n"
        f"x-shopify-hmac-sha256: {base64.b64encode(digest).decode()}\r\n"
        f"content-length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content
