"""Tickets: what is asked of a carrier about an order, or of the operator."""
