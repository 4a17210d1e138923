"""What an order is found by."""

from uuid import UUID

import pytest

from services.routing.search import beginning_with, with_one_of, words_of

ACCOUNT = UUID("00000000-0000-0000-0000-000000abcdef")
SOURCE = {
    "number": "#AB-1001",
    "email": "Zoe.Quux@Acme.example",
    "customer": {"name": "Zoë  QUUX-Straße", "email": None},
    "shipping_address": {"name": "Łukasz O'Brien"},
    "billing_address": None,
    "lines": [{"sku": "MUG_blue"}, {"sku": None}],
    "note": "left out",
}


def test_words_are_runs_and_their_parts_without_case_and_accents() -> None:
    assert words_of("987 / ###", SOURCE).split() == [
        "987", "/", "###", "ab-1001", "ab", "1001",
        "zoe.quux@acme.example", "zoe", "quux", "acme", "example",
        "quux-strasse", "strasse", "łukasz", "o'brien", "o", "brien", "mug_blue", "mug", "blue",
    ]  # fmt: skip


def test_an_order_has_so_many_words_and_a_word_so_many_characters() -> None:
    lines = [{"sku": f"sku{n}"} for n in range(2_000)]
    found = words_of("x" * 100, {"lines": lines}).split()
    assert len(found) == 500
    assert found[:2] == ["x" * 60, "sku0"]


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("Zoë", "'abcdefzoe':*"),
        (" #1001  mug- ", "'abcdef1001':* & 'abcdefmug':*"),
        ("o'b \\", "'abcdefo''b':* & 'abcdef\\\\':*"),
        ("' | ')':*", "'abcdef''':* & 'abcdef|':* & 'abcdef'')'':*':*"),
    ],
)
def test_what_was_typed_is_words_and_never_an_operator(typed: str, query: str) -> None:
    assert beginning_with(typed, ACCOUNT) == query


def test_numbers_are_whole_words() -> None:
    assert with_one_of(["#1", "A 2"], ACCOUNT) == "('abcdef1') | ('abcdefa' & 'abcdef2')"
