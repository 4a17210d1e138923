"""The ledger as an account sees it: its own entries, balances, and what has no price."""
