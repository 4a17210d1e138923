"""Rules: one language of conditions on an order, and lists of rules of which the first decides."""
