"""Shipping rules: by which carrier and service an account's orders are shipped."""
