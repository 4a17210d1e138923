"""The templates: one environment for each language, every value escaped."""

from collections.abc import Mapping
from functools import cache, partial
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.console.rendering import formats
from services.console.rendering.assets import address_of
from services.console.rendering.errors import Errors
from services.console.words import fields, problems
from services.console.words.languages import LANGUAGES, NAMES, Language
from services.console.words.told import tell
from shared.words import translations

HOME = Path(__file__).parent.parent
FOLDERS = (HOME / "templates", HOME / "pages")
DOMAIN = "console"


def render(name: str, language: Language, values: Mapping[str, Any], block: str = "") -> str:
    """A page, or one block of it.

    Args:
        name: of the template: `<screen>/<page>.html`.
        language: that it is in.
        values: what it is about.
        block: of the template, to be put into a page that is there.
    """
    template = environment(language).get_template(name)
    if not block:
        return template.render(values)
    return "".join(template.blocks[block](template.new_context(dict(values))))


@cache
def environment(language: Language) -> Environment:
    """The templates in a language."""
    made = Environment(
        loader=FileSystemLoader(FOLDERS),
        autoescape=True,
        undefined=StrictUndefined,
        # They change with a release: to look at each file for each page is a tenth of its time.
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    made.filters["moment"] = partial(formats.moment, language=language)
    made.filters["month"] = partial(formats.month, language=language)
    made.filters["money"] = partial(formats.money, language=language)
    made.filters["number"] = partial(formats.number, language=language)
    made.filters["lines"] = formats.lines
    made.globals["asset"] = address_of
    made.globals["language"] = language
    made.globals["languages"] = [(one, NAMES[one]) for one in LANGUAGES]
    words = translations(HOME / "locale", DOMAIN, language)
    made.globals["field_error"] = partial(_field_error, words)
    made.globals["tell"] = partial(tell, words)
    made.globals["form_error"] = partial(_form_error, words)
    made.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    return made


def _field_error(words: NullTranslations, message: str) -> str:
    """What is wrong with a field, as its reader's language has it."""
    sentence, numbers = fields.sentence_of(message)
    return words.gettext(sentence) % numbers if sentence is not message else message


def _form_error(words: NullTranslations, errors: Errors) -> str:
    """What is wrong with a form; what there are no words for, as the API says it."""
    sentence = problems.sentence_of(errors.code)
    return words.gettext(sentence) % errors.facts if sentence else errors.detail
