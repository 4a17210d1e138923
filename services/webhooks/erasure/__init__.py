"""Accounts whose data was erased: bodies and answers go, ids, times and states stay."""
