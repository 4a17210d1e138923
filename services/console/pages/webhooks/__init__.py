"""Webhooks: endpoints and how they are, deliveries and their attempts."""
