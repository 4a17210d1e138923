"""Deliveries that somebody wants to be sent again."""
