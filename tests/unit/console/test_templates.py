"""The templates keep to the policy that every answer carries, and escape what people typed."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.console.rendering import templates
from services.console.rendering.assets import FOLDER
from services.console.rendering.errors import Errors
from services.console.words.languages import LANGUAGES, Language

# What needs `unsafe-inline` or `unsafe-eval`, and what only looks as if it did something.
_FORBIDDEN = {
    "a style in the page": re.compile(r"\sstyle=|<style"),
    "a script in the page": re.compile(r"<script(?![^>]*\ssrc=)"),
    "a handler in the page": re.compile(r"\son[a-z]+="),
    "what htmx evaluates": re.compile(r"hx-on|hx-vals=['\"]js:|js:|hx-trigger=\"[^\"]*\["),
    "what is not escaped": re.compile(r"\|\s*safe\b|autoescape false"),
    "a file of somebody else": re.compile(r"(src|href)=\"https?://"),
}


def _files() -> Iterator[Path]:
    for folder in templates.FOLDERS:
        yield from folder.glob("**/*.html")


@pytest.mark.parametrize("path", sorted(_files()), ids=lambda path: path.name)
def test_a_template_needs_nothing_that_the_policy_forbids(path: Path) -> None:
    text = path.read_text()
    assert [name for name, pattern in _FORBIDDEN.items() if pattern.search(text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_template_compiles_in_every_language(language: Language) -> None:
    environment = templates.environment(language)
    for name in environment.list_templates(extensions=["html"]):
        environment.get_template(name)


def test_scripts_are_small_and_nothing_comes_from_elsewhere() -> None:
    scripts = [path.read_bytes() for path in FOLDER.glob("*.js")]
    assert sum(len(script) for script in scripts) <= 50_000
    assert not any(b"sourceMappingURL" in script for script in scripts)


def test_errors_are_text_whatever_is_in_them() -> None:
    errors = Errors(
        code="invalid_transition",
        facts={"state": "<script>alert(1)</script>"},
        fields={"contact/email": '"><img src=x onerror=alert(1)>'},
    )
    html = templates.render("errors/problem.html", "en", _values(errors))
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "&lt;script&gt;alert(1)" in html


def _values(errors: Errors) -> dict[str, object]:
    known = {"path": "/x", "query": "", "me": None, "said": "", "is_exposed": False}
    return {**known, "errors": errors}
