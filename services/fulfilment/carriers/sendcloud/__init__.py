"""Sendcloud, API version 3 (https://sendcloud.dev/api/v3/shipments)."""
