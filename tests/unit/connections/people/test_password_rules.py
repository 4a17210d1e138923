"""Passwords that are easy to guess, and some that are not."""

import pytest

from services.connections.people import password_rules

KNOWN = ("ada.lovelace@analytical.test", "Analytical Engines")


@pytest.mark.parametrize(
    ("password", "part"),
    [
        ("aaaaaaaaaaaa", "different"),
        ("abababababab", "different"),
        ("abcdeabcdeabcde", "repeats"),
        ("abcdefghijkl", "counts"),
        ("lkjihgfedcba", "counts"),
        ("qwertyuiop123", "common"),
        ("123456789qwe", "common"),
        ("!Password1234", "common"),
        ("...MICHAELJACKSON...", "common"),
        ("ada.lovelace", "name or the address"),
        ("AdaLovelace1!", "name or the address"),
        ("analytical1!", "name or the address"),
    ],
)
def test_what_everybody_would_try_first_is_refused(password: str, part: str) -> None:
    flaw = password_rules.flaw_of(password, KNOWN)
    assert flaw is not None
    assert part in flaw


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "839204857261",
        "contraseña de la abuela",
        "analytical engines run on steam",
        "Xk4-vb9!qLp2",
    ],
)
def test_others_pass(password: str) -> None:
    assert password_rules.flaw_of(password, KNOWN) is None


def test_a_text_made_to_be_slow_is_not() -> None:
    assert password_rules.flaw_of("a1!b" * 50) == "has fewer than 5 different letters"
    assert password_rules.flaw_of("".join(chr(200 + i * i % 251) for i in range(200))) is None
