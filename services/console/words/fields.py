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
        (r"^Input should not be empty|at least 1 (character|item)", N_("Fill this in.")),
        (r"^a photo is needed", N_("Attach a photo: JPEG, PNG or WEBP.")),
        (r"^the invoice is needed", N_("Attach the invoice: a PDF, or a photo of it.")),
        (r"^needed for `", N_("This category needs it.")),
        (r"has no use for it", N_("This category has no use for it: leave it empty.")),
        # Of order rules: what a condition wants.
        (r"at_least or at_most is needed", N_("Fill in one of the two, or both.")),
        (r"at_least is larger|first is behind last", N_("It ends before it begins.")),
        (r"same number of letters", N_("Both need the same number of letters and digits.")),
        (r"since and until are the same", N_("It ends when it begins.")),
        (r"no time zone", N_("Write a time zone, such as Europe/Madrid.")),
        (r"pattern '\^\[A-Z\]\{2\}\$'", N_("Write the two letters of a country, such as ES.")),
        (r"pattern '\^\[A-Z\]\{3\}\$'", N_("Write the three letters of a currency, such as EUR.")),
        # Of prices.
        (r"at least one price is needed", N_("Fill in at least one price.")),
        (r"reach further than the one before", N_("Each band has to be heavier than the last.")),
        (
            r"no more digits than (?P<currency>[A-Z]{3}) has",
            N_("Write more than nothing, with no more digits than %(currency)s has."),
        ),
        (r"more digits than (?P<currency>[A-Z]{3}) has", N_("%(currency)s has fewer digits.")),
        (r"there is no currency", N_("There is no such currency.")),
        (r"not before now", N_("Choose a day that is to come, or none: from now on.")),
        (r"is no month", N_("Write a month, such as 2026-11.")),
        (r"pattern '\^\[a-z0-9\]\[a-z0-9_", N_("Small letters, digits and _ . - only.")),
        (r"is there already", N_("It is there already.")),
        (r"nobody charges themselves", N_("This is you. Choose somebody else.")),
        (r"pattern '\^\[0-9\]\{1,(9|15)\}|is no amount", N_("Write an amount, such as 49.90.")),
        (r"pattern '\^\(\[01\]", N_("Write a time, such as 08:30.")),
        (r"several currencies", N_("A rule compares amounts of one currency alone.")),
        (r"at least (?P<n>\d+) characters", N_("Write at least %(n)s characters.")),
        (r"at most (?P<n>\d+) characters", N_("Write at most %(n)s characters.")),
        (r"e-?mail|@-sign", N_("Write an e-mail address, such as ada@example.com.")),
        (r"valid (integer|number)|unable to parse", N_("Write a number.")),
        (r"greater than or equal to (?P<n>[\d.]+)", N_("Write %(n)s or more.")),
        (r"greater than (?P<n>[\d.]+)", N_("Write more than %(n)s.")),
        (r"less than or equal to (?P<n>[\d.]+)", N_("Write %(n)s or less.")),
        (r"^Input should be '", N_("Choose one of these.")),
        (r"^is not what was asked for$", N_("Write it exactly as it stands here.")),
        # Of shipments and labels.
        (r"this shipment has (?P<n>\d+)", N_("There are not so many: %(n)s at most.")),
        (r"^nothing would be left", N_("Leave something in this shipment.")),
        (r"^is missing$", N_("It is missing in the order.")),
        (r"^is none of that country$", N_("It does not fit the country of the order.")),
        (r"pattern '\^https\?://", N_("Write an address that begins with https:// or http://.")),
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
