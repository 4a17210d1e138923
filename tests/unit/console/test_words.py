"""The screens say everything in each language, and a sentence has only facts that there are."""

import re
from string import Formatter

import pytest

from services.console.words import problems
from services.console.words.fields import sentence_of
from services.console.words.languages import LANGUAGES, language_of
from shared.web.problems import CATALOGUE
from tools import words

_FACT = re.compile(r"%\((\w+)\)s")


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_every_sentence_has_its_translation_and_no_other_is_kept(language: str) -> None:
    used = {entry.id for entry in words.used() if entry.id}
    catalog = words.written(language)
    there = {entry.id for entry in catalog if entry.id and entry.string and not entry.fuzzy}
    assert sorted(used - there) == []
    assert sorted(there - used) == []
    assert [flaws for _, flaws in catalog.check()] == []
    for entry in catalog:
        if isinstance(entry.id, str) and isinstance(entry.string, str):
            assert sorted(_FACT.findall(entry.id)) == sorted(_FACT.findall(entry.string)), entry.id


def test_what_an_api_refuses_is_said_with_the_facts_that_it_gives() -> None:
    for code, sentence in problems.SENTENCES.items():
        given = {name for _, name, _, _ in Formatter().parse(CATALOGUE[code].sentence) if name}
        assert set(_FACT.findall(sentence)) <= given, code


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ("es", "en", "es"),
        ("", "es-MX,es;q=0.9,en;q=0.8", "es"),
        ("", "fr, es;q=0.3, en;q=0.2", "es"),
        ("", "en;q=0.1, es;q=0", "en"),
        ("xx", "", "en"),
        ("", "*;q=nonsense,;;,", "en"),
    ],
)
def test_the_language_is_what_was_chosen_or_the_best_that_is_accepted(
    chosen: str, accepted: str, language: str
) -> None:
    assert language_of(chosen, accepted) == language


def test_pydantics_messages_are_said_in_words_of_ours_or_as_they_are() -> None:
    assert sentence_of("Field required") == ("Fill this in.", {})
    assert sentence_of("String should have at most 200 characters") == (
        "Write at most %(n)s characters.",
        {"n": "200"},
    )
    assert sentence_of("The shop is at 100 % of its size") == (
        "The shop is at 100 % of its size",
        {},
    )
