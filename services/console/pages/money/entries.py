"""Entries of the ledger as one of their two sides sees them. Pure."""

from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]


def seen_by(account_id: str, entry: Json) -> dict[str, Any]:
    """The entry with its other party and its amount, negative when the account owes it.

    >>> seen_by("a", {"credit_account": "b", "debit_account": "a", "amount": "1.50"})["signed"]
    '-1.50'
    """
    is_owed = entry["credit_account"] == account_id
    return {
        **entry,
        "other": entry["debit_account" if is_owed else "credit_account"],
        "signed": entry["amount"] if is_owed else f"-{entry['amount']}",
    }


def may_be_corrected(account_id: str, entry: Json) -> bool:
    """Whether the account may give some of it back: it has charged it, and it was posted."""
    return bool(entry["phase"] == "posted" and entry["credit_account"] == account_id)
