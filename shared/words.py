"""Translations from a `.po` file as it is committed: compiled in memory, no build step."""

from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

# What the sentences of the source are in.
SOURCE = "en"


def translations(locale: Path, domain: str, language: str) -> NullTranslations:
    """The sentences in a language.

    Args:
        locale: the folder with `<language>/LC_MESSAGES/<domain>.po`.
        domain: of gettext.
        language: `en` needs no file.
    """
    if language == SOURCE:
        return NullTranslations()
    compiled = BytesIO()
    with (locale / language / "LC_MESSAGES" / f"{domain}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)
