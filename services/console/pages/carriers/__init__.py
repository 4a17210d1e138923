"""Accounts with carriers, which labels are bought with."""
