"""Shopify order webhooks in their true shape: every documented field, with values of our own."""

from datetime import UTC, datetime, timedelta
from typing import Any

# Shopify's ids are numbers beyond 2^53: text everywhere behind this door.
FIRST_ID = 9_007_199_254_740_993
_START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def order(number: int, seconds: int = 0, **changes: Any) -> dict[str, Any]:
    """One order.

    Args:
        number: counts the orders of the shop, from 0.
        seconds: after its creation, for updates.
        changes: fields that differ.
    """
    created = (_START + timedelta(minutes=number)).isoformat()
    updated = (_START + timedelta(minutes=number, seconds=seconds)).isoformat()
    address = {
        "first_name": "Ana", "last_name": "Ruiz", "name": "Ana Ruiz", "company": None,
        "address1": f"Hafenstrasse {number}", "address2": None, "city": "Hamburg",
        "province": "Hamburg", "province_code": "HH", "zip": "20457", "country": "Germany",
        "country_code": "DE", "phone": "+4940123456", "latitude": 53.54, "longitude": 9.98,
    }  # fmt: skip
    line = {
        "id": 14_800_000_000_001 + number, "admin_graphql_api_id": "gid://shopify/LineItem/1",
        "attributed_staffs": [], "current_quantity": 2, "discount_allocations": [], "duties": [],
        "fulfillable_quantity": 2, "fulfillment_service": "manual", "fulfillment_status": None,
        "gift_card": False, "grams": 410, "name": "Mug - Blue", "price": "29.00",
        "price_set": {}, "product_exists": True, "product_id": 91, "properties": [],
        "quantity": 2, "requires_shipping": True, "sku": "MUG-BLUE", "tax_lines": [],
        "taxable": True, "title": "Mug", "total_discount": "0.00", "total_discount_set": {},
        "variant_id": 4, "variant_inventory_management": "shopify", "variant_title": "Blue",
        "vendor": "Relevo Ware",
    }  # fmt: skip
    return {
        "id": FIRST_ID + number, "admin_graphql_api_id": f"gid://shopify/Order/{FIRST_ID + number}",
        "app_id": 580_111, "browser_ip": "203.0.113.9", "buyer_accepts_marketing": False,
        "cancel_reason": None, "cancelled_at": None, "cart_token": "c1", "checkout_id": 298,
        "checkout_token": "b0f2", "client_details": {"accept_language": "de-DE"},
        "closed_at": None, "company": None, "confirmation_number": "QX81", "confirmed": True,
        "contact_email": "ana@example.com", "created_at": created, "currency": "EUR",
        "current_subtotal_price": "58.00", "current_subtotal_price_set": {},
        "current_total_additional_fees_set": None, "current_total_discounts": "0.00",
        "current_total_duties_set": None, "current_total_price": "63.90",
        "current_total_tax": "9.26", "customer_locale": "de", "device_id": None,
        "discount_codes": [{"code": "SPRING", "amount": "5.00", "type": "fixed_amount"}],
        "duties_included": False, "email": "ana@example.com", "estimated_taxes": False,
        "financial_status": "paid", "fulfillment_status": None, "landing_site": "/",
        "landing_site_ref": None, "location_id": None, "merchant_of_record_app_id": None,
        "name": f"#{1001 + number}", "note": None, "note_attributes": [], "number": 1 + number,
        "order_number": 1001 + number, "order_status_url": "https://shop.example/orders/x",
        "original_total_additional_fees_set": None, "original_total_duties_set": None,
        "payment_gateway_names": ["card"], "phone": None, "po_number": None,
        "presentment_currency": "EUR", "processed_at": created, "reference": None,
        "referring_site": None, "source_identifier": None, "source_name": "web",
        "source_url": None, "subtotal_price": "58.00", "subtotal_price_set": {},
        "tags": "vip, fragile", "tax_exempt": False, "tax_lines": [], "taxes_included": True,
        "test": False, "token": "t0k", "total_cash_rounding_payment_adjustment_set": {},
        "total_discounts": "5.00", "total_discounts_set": {}, "total_line_items_price": "63.00",
        "total_outstanding": "0.00", "total_price": "63.90", "total_price_set": {},
        "total_shipping_price_set": {}, "total_tax": "9.26", "total_tip_received": "0.00",
        "total_weight": 820, "updated_at": updated, "user_id": None,
        "billing_address": address,
        "customer": {
            "id": 7_700_000_000_001, "email": "ana@example.com", "first_name": "Ana",
            "last_name": "Ruiz", "state": "disabled", "phone": None, "tags": "",
            "default_address": address,
        },
        "discount_applications": [], "fulfillments": [], "line_items": [line],
        "payment_terms": None, "refunds": [], "shipping_address": address,
        "shipping_lines": [
            {"id": 1, "carrier_identifier": None, "code": "DHL", "price": "5.90",
             "source": "shopify", "title": "DHL Parcel", "tax_lines": []}
        ],
        **changes,
    }  # fmt: skip
