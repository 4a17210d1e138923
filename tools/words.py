"""The sentences of the console, from its templates and its code to the files of the translators."""

from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

HOME = Path(__file__).parent.parent / "services" / "console"
_METHODS = [("**.html", "jinja2.ext:babel_extract"), ("**.py", "python")]
_OPTIONS = {
    "**.html": {
        "trimmed": "true",
        "newstyle_gettext": "true",
        "silent": "false",
        "extensions": "jinja2.ext.do",
    }
}
_KEYWORDS = {"N_": None, "_": None, "ngettext": (1, 2)}
_LANGUAGES = ("es",)


def path_of(language: str) -> Path:
    """The file of a language."""
    return HOME / "locale" / language / "LC_MESSAGES" / "console.po"


def used() -> Catalog:
    """Every sentence of the console, with the files that it stands in."""
    catalog = Catalog(project="Relevo console")
    found = extract_from_dir(HOME, _METHODS, _OPTIONS, _KEYWORDS)
    for file, _, sentence, _, _ in sorted(found, key=lambda one: (one[0], one[1])):
        catalog.add(sentence, locations=[(file, 0)])
    return catalog


def written(language: str) -> Catalog:
    """What the translators have written."""
    path = path_of(language)
    if not path.exists():
        return Catalog(locale=language, domain="console")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def update() -> list[str]:
    """Add new sentences to each file and drop those that are gone; what waits for a translation."""
    waiting = []
    for language in _LANGUAGES:
        catalog = written(language)
        catalog.update(used(), no_fuzzy_matching=True)
        catalog.obsolete.clear()
        path = path_of(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            # By sentence: who adds one changes one place.
            write_po(file, catalog, width=0, sort_output=True, omit_header=False, no_location=True)
        waiting += [f"{language}: {entry.id}" for entry in catalog if entry.id and _waits(entry)]
    return waiting


def _waits(entry: Message) -> bool:
    """Whether it, or a form of its plural, has no translation."""
    return not all(entry.string) if isinstance(entry.string, tuple) else not entry.string
