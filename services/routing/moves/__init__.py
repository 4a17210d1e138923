"""Stores that a brand accepted from a 3PL's claim: their orders become the brand's."""
