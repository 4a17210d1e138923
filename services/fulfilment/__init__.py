"""Fulfilment: what the settings of a connection do when an order is worked.

Beside the path of an order, never on it: it reads `orders.events` and answers to nobody's order.
"""
