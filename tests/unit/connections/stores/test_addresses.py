"""One spelling for each store."""

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
