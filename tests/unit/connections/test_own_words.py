"""What a sender may write, and what would become a link."""

import pytest

from services.connections.invitations import own_words


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Dear Pack & Go, we ship 3.5 t a month. Would you take over?",
        "Hola.\nSomos Casa Ruiz, S.L. ¿Os apuntáis?",
        "Dr. Oetker and C&A know us; call 0911/123.",
    ],
)
def test_words_pass(text: str) -> None:
    assert own_words.plain(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "see https://evil.example/login",
        "go to www.evil",
        "evil.example",
        "look at login.evil-bank.co.uk/now",
        "write to me@evil",
        "JAVASCRIPT://x",
        "bücher.example",
        "read \u202emoc.live",
        "NUL \0 byte",
    ],
)
def test_links_addresses_and_hidden_marks_do_not(text: str) -> None:
    with pytest.raises(ValueError, match=r"no links|nobody sees"):
        own_words.plain(text)
