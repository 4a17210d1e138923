"""Tokens that are over before their time: what every process knows of `accounts.changed`. Pure.

Tokens live ten minutes and are verified offline. What takes a right from somebody is told on the
topic, and every process refuses their tokens from then on. A token that was issued later carries
what is true, so that only the changes of the last minutes matter, and only they are kept.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from shared.contracts.accounts_changed import AccountChanged
from shared.web.auth import Principal

# The longest life of a token, and clocks that differ.
MOST_TOKEN_SECONDS = 600
_KEPT = timedelta(seconds=MOST_TOKEN_SECONDS + 300)


class Revocations:
    """The accounts that changed lately."""

    def __init__(self) -> None:
        self._changed: dict[object, AccountChanged] = {}

    def __len__(self) -> int:
        return len(self._changed)

    def apply(self, changes: Iterable[AccountChanged], now: datetime | None = None) -> None:
        """Take in what the topic says, in any order and however often."""
        since = (now or datetime.now(UTC)) - _KEPT
        for change in changes:
            known = self._changed.get(change.account_id)
            if change.changed_at > since and (known is None or known.version < change.version):
                self._changed[change.account_id] = change
        self._changed = {
            account_id: change
            for account_id, change in self._changed.items()
            if change.changed_at > since
        }

    def revokes(self, principal: Principal) -> bool:
        """Whether the token of this principal is over."""
        change = self._changed.get(principal.account_id)
        if change is None or principal.version > change.version:
            return False
        if change.erased or principal.session in {one.session_id for one in change.ended_sessions}:
            return True
        for member in change.people:
            if str(member.person_id) == principal.subject:
                return principal.version < member.valid_from
        return True
