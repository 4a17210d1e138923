"""One spelling for each store and URL."""

import pytest

from services.connections.stores import addresses


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("acme.example", "acme.example"),
        ("  https://ACME.example/  ", "acme.example"),
        ("http://www.acme.example:80/shop?x=1#y", "acme.example"),
        ("https://acme.example.:443", "acme.example"),
        ("https://acme.example:8443/", "acme.example:8443"),
        ("https://bücher.example", "xn--bcher-kva.example"),
        ("my_shop.myshopify.com", "my_shop.myshopify.com"),
    ],
)
def test_a_store_has_one_domain(text: str, domain: str) -> None:
    assert addresses.normalise_domain(text) == domain


@pytest.mark.parametrize(
    "text",
    [
        "", "https://", "ftp://acme.example", "acme example", "https://user@acme.example",
        "https://acme.example:99999", "javascript:alert(1)", "https://-.example", "a" * 64,
        "https://ac\x00me.example",
    ],
)  # fmt: skip
def test_what_is_no_store_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"address|store"):
        addresses.normalise_domain(text)


@pytest.mark.parametrize("url", ["https://3pl.example/hooks?a=b", "http://127.0.0.1:9000/x"])
def test_a_webhook_url_stays_as_it_is(url: str) -> None:
    assert addresses.webhook_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "", "/hooks", "3pl.example", "ftp://3pl.example", "https://u:p@3pl.example",
        "https://3pl.example/#x", "https://3pl.example:0/", "https://3pl.example/a b",
        "https:///path",
    ],
)  # fmt: skip
def test_where_no_webhook_can_go_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|connected"):
        addresses.webhook_url(url)
