"""Statements: what an account was charged and charged itself in a month."""
