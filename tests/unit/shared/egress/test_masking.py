"""What is shown of a URL."""

import pytest

from shared.egress.masking import host_only, masked, redacted

TOKEN = "sk_live_4eC39HqLyjWDarjtT1"
SHOWN = [
    ("https://a.example", "https://a.example"),
    ("https://a.example/hooks/", "https://a.example/hooks/"),
    ("https://a.example:8443/hooks", "https://a.example:8443/hooks"),
    (f"https://a.example/h/{TOKEN}/x", "https://a.example/h/…/x"),
    (
        "https://a.example/fulfilment-orders-incoming",
        "https://a.example/fulfilment-orders-incoming",
    ),
    ("https://a.example/?k=v&token=s=x", "https://a.example/?k=…&token=…"),
    (f"https://a.example/?{TOKEN}", "https://a.example/?…"),
    (f"https://a.example/?{TOKEN}=1", "https://a.example/?…"),
    ("https://u:p@a.example/", "https://a.example/"),
    ("http://[::1]:9000/x?a=b", "http://[::1]:9000/x?a=…"),
]


@pytest.mark.parametrize(("url", "shown"), SHOWN)
def test_its_owner_knows_it_again(url: str, shown: str) -> None:
    assert masked(url) == shown
    assert masked(shown) == shown


@pytest.mark.parametrize("url", [f"https://a.example:8443/{TOKEN}?x=y", "https://u:p@a.example"])
def test_others_see_scheme_and_host(url: str) -> None:
    assert host_only(url) == "https://a.example"


def test_an_address_in_brackets_stays_whole() -> None:
    assert host_only("http://[::1]:9000/x") == "http://[::1]"


def test_what_a_receiver_repeats_of_the_url_is_hidden() -> None:
    url = f"https://a.example/h/{TOKEN}?token=hunter2%2Fx&v=1"
    page = f"Cannot POST /h/{TOKEN}?token=hunter2%2Fx&v=1, token hunter2/x".encode()

    assert redacted(page, url).decode() == "Cannot POST /h/…?token=…&v=1, token …"
