"""Which language a page is in. Pure."""

from typing import Literal, get_args

Language = Literal["en", "es"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
NAMES: dict[Language, str] = {"en": "English", "es": "Español"}


def language_of(chosen: str, accepted: str) -> Language:
    """What somebody chose, or the first of ours that their browser accepts (RFC 9110, 12.5.4).

    Args:
        chosen: a language, or something else.
        accepted: the header `Accept-Language`.
    """
    if chosen in LANGUAGES:
        return chosen
    best, best_weight = LANGUAGES[0], 0.0
    for part in accepted.split(","):
        tag, _, parameter = part.strip().partition(";")
        primary = tag.split("-")[0].lower()
        weight = _weight(parameter)
        if primary in LANGUAGES and weight > best_weight:
            best, best_weight = primary, weight
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    try:
        return float(value) if name == "q" else 1.0
    except ValueError:
        return 0.0
