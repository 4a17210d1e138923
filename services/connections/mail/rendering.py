"""From what a mail is about to its words: one template for each kind, in text and in HTML. Pure.

A template names paragraphs, items and links; `templates/text` and `templates/html` say what those
look like, so that the two forms of a mail cannot say different things. The sentences are gettext's:
English in the templates, other languages in `locale/<language>/LC_MESSAGES/connections_mail.po`.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Literal

from babel.dates import format_datetime
from css_inline import CSSInliner
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.connections.mail.kinds import EVERY_STORE, Language, MailData
from shared.words import translations

HOME = Path(__file__).parent
TEMPLATES = HOME / "templates"
DOMAIN = "connections_mail"
Form = Literal["text", "html"]
_BLANK_LINES = re.compile(r"\n{3,}")
# Mail programs ignore style sheets; nothing is ever fetched.
_inliner = CSSInliner(load_remote_stylesheets=False)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail in words; the subject is one line."""

    subject: str
    text: str
    html: str


def render(data: MailData, language: Language, contact: str = "") -> Rendered:
    """The words of a mail.

    Args:
        data: what it is about.
        language: that it is written in.
        contact: whom the reader may ask; left out when empty.
    """
    values = {**dict(data), "language": language, "contact": contact}
    text = _environment("text", language).get_template(f"{data.kind}.j2")
    html = _environment("html", language).get_template(f"{data.kind}.j2")
    subject = "".join(text.blocks["subject"](text.new_context(values)))
    return Rendered(
        subject=" ".join(subject.split()),
        text=_BLANK_LINES.sub("\n\n", text.render(values)).strip() + "\n",
        html=_inliner.inline(html.render(values)),
    )


@cache
def _environment(form: Form, language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader([TEMPLATES / form, TEMPLATES]),
        autoescape=form == "html",  # noqa: S701  text is no HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.filters["when"] = partial(_when, language=language)
    environment.filters["store"] = _store
    environment.install_gettext_translations(  # type: ignore[attr-defined]  # the extension adds it
        translations(HOME / "locale", DOMAIN, language), newstyle=True
    )
    return environment


def _store(domain: str, every: str) -> str:
    return every if domain == EVERY_STORE else domain


def _when(at: datetime, language: Language) -> str:
    return f"{format_datetime(at.astimezone(UTC), 'd MMMM y, HH:mm', locale=language)} UTC"
