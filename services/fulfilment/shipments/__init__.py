"""Shipments: what is sent of an order, by whom it is carried, and what is told of it."""
