"""What is wrong with a field, in words that a translator had. Pure.

The APIs say it in pydantic's English; what is not known here is shown as it is.
"""

import re
from collections.abc import Sequence

from services.console.words.marks import N_

_KNOWN: Sequence[tuple[re.Pattern[str], str]] = [
    (re.compile(pattern), sentence)
    for pattern, sentence in (
        (r"^Field required$", N_("Fill this in.")),
        (r"^Input should not be empty|at least 1 character", N_("Fill this in.")),
        (r"at least (?P<n>\d+) characters", N_("Write at least %(n)s characters.")),
        (r"at most (?P<n>\d+) characters", N_("Write at most %(n)s characters.")),
        (r"e-?mail|@-sign", N_("Write an e-mail address, such as ada@example.com.")),
        (r"valid (integer|number)|unable to parse", N_("Write a number.")),
        (r"greater than or equal to (?P<n>[\d.]+)", N_("Write %(n)s or more.")),
        (r"less than or equal to (?P<n>[\d.]+)", N_("Write %(n)s or less.")),
        (r"^Input should be '", N_("Choose one of these.")),
        (r"^is not what was asked for$", N_("Write it exactly as it stands here.")),
        (r"too many", N_("There are too many. Remove one first.")),
        (r"valid UUID|should be a valid", N_("This is not what belongs here.")),
    )
]


def sentence_of(message: str) -> tuple[str, dict[str, str]]:
    """The sentence for a message of an API, and the numbers in it."""
    for pattern, sentence in _KNOWN:
        found = pattern.search(message)
        if found:
            return sentence, found.groupdict()
    return message, {}
