"""What a change of settings lays on the other party, and who is told of it. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from services.connections.connection.models import Connection
from services.connections.mail.kinds import Mail, Setting, TermsChanged
from services.connections.people.models import Person
from shared.contracts.connections_changed import Party

_SETTINGS: tuple[Setting, ...] = get_args(Setting)


def imposed(by: Party, after: Mapping[str, Any]) -> list[Setting]:
    """The settings by which a party makes the other one pay or work.

    Args:
        by: who changes them.
        after: the fields that change, as they will be.
    """
    other: Party = "brand" if by == "three_pl" else "three_pl"
    return [setting for setting in _SETTINGS if after.get(setting) == other]


def mails(
    connection: Connection,
    by: Party,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    owners: Sequence[Person],
) -> list[Mail]:
    """One for each owner of the other party and each setting that was laid on it."""
    name = connection.brand_name if by == "brand" else connection.three_pl_name
    return [
        Mail(
            owner.email,
            TermsChanged(
                by=name,
                setting=setting,
                before=before[setting],
                after=after[setting],
                store_domain=connection.domain,
            ),
            owner.language,
            once=f"terms:{connection.id}:{connection.version}:{setting}:{owner.id}",
        )
        for setting in imposed(by, after)
        for owner in owners
    ]
