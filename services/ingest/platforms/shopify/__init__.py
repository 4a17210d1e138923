"""Shopify: webhooks that carry the order resource of its REST Admin API."""

from services.ingest.platforms import Platform
from services.ingest.platforms.shopify import order, signature

PLATFORM = Platform(
    signature_header=signature.HEADER,
    kept_headers=(order.TOPIC_HEADER, "x-shopify-webhook-id"),
    signature_is_valid=signature.is_valid,
    parse=order.parse,
)
