"""The countries of the world (ISO 3166-1) by their names. Pure."""

from functools import cache
from unicodedata import combining, normalize

from babel import Locale

from services.console.words.languages import Language

# Codes that Unicode knows and the standard does not.
_NONE = frozenset("AC CP CQ DG EA EU EZ IC QO TA UN XA XB XK ZZ".split())  # noqa: SIM905  a list of codes
_CODE_LENGTH = 2


@cache
def countries(language: Language) -> tuple[tuple[str, str], ...]:
    """Pairs of code and name, by name."""
    names = Locale(language).territories
    found = [
        (code, name)
        for code, name in names.items()
        if len(code) == _CODE_LENGTH and code.isalpha() and code not in _NONE
    ]
    return tuple(sorted(found, key=lambda one: _plain(one[1])))


def _plain(name: str) -> str:
    """Å is found at A, where people look for it."""
    letters = (one for one in normalize("NFD", name) if not combining(one))
    return "".join(letters).casefold()
