"""Which passwords are too easy to guess. Pure."""

import re
from collections.abc import Iterable
from itertools import pairwise

from zxcvbn.frequency_lists import (  # type: ignore[import-untyped]  # a dict of lists
    FREQUENCY_LISTS,
)

LEAST_LETTERS = 12
_LEAST_DIFFERENT = 5
_LEAST_KNOWN = 4
# The list alone: its estimate of strength takes seconds on texts that are made for it.
_COMMON = frozenset(FREQUENCY_LISTS["passwords"])
_AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")


def flaw_of(password: str, known: Iterable[str] = ()) -> str | None:
    """What makes it easy to guess; None when nothing does.

    Args:
        password: of at least `LEAST_LETTERS`, which the form asks for.
        known: what everybody knows of its owner: names, addresses.
    """
    text = password.casefold()
    if len(set(text)) < _LEAST_DIFFERENT:
        return f"has fewer than {_LEAST_DIFFERENT} different letters"
    if _repeats(text) or _counts(text):
        return "repeats or counts"
    # Digits and signs around a common password are what everybody puts there.
    if text in _COMMON or _AROUND.sub("", text) in _COMMON:
        return "is among the most common passwords"
    left = text
    for word in sorted(set(_words(known)), key=len, reverse=True):
        left = left.replace(word, "")
    if left != text and len(left) < LEAST_LETTERS // 2:
        return "is little more than the name or the address"
    return None


def _repeats(text: str) -> bool:
    return text in (text + text)[1:-1]


def _counts(text: str) -> bool:
    steps = {ord(after) - ord(before) for before, after in pairwise(text)}
    return len(steps) == 1


def _words(known: Iterable[str]) -> Iterable[str]:
    for text in known:
        name = text.casefold()
        for word in (name, *name.split("@"), *re.split(r"[\W_]+", name)):
            if len(word) >= _LEAST_KNOWN:
                yield word
