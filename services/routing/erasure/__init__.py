"""Accounts whose data was erased: what routing holds of them goes, ids and decisions stay."""
