"""Webhooks: signed deliveries of order events, in order per order, isolated per endpoint."""
