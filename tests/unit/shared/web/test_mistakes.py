import pytest

from shared.web.mistakes import instead_of_bearer, no_key_of_store, no_token, path_meant

TEMPLATES = ["/v1/orders", "/v1/orders/{order_id}", "/v1/stores/{store_id}/orders", "/health/ready"]
ID = "01a22780-0491-70c3-be74-330e184be9d4"


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({}, "there is no `Authorization` header"),
        ({"x-api-key": "rsk_secret"}, "`x-api-key` is not read"),
        ({"authorization": "Basic secret"}, "`Authorization` begins with `Basic` and not with"),
        ({"authorization": "rsk_secret"}, "`Authorization` does not begin with `Bearer`"),
        ({"authorization": "secret more"}, "`Authorization` does not begin with `Bearer`"),
        ({"authorization": "rsk_secret more"}, "`Authorization` does not begin with `Bearer`"),
        ({"authorization": "Bearer "}, "nothing follows `Bearer`"),
    ],
)
def test_what_came_in_place_of_a_token_is_named_and_never_repeated(
    headers: dict[str, str], said: str
) -> None:
    assert instead_of_bearer(headers).startswith(said)
    assert "secret" not in instead_of_bearer(headers)


def test_one_kind_of_secret_in_place_of_another_is_named() -> None:
    assert "access token" in no_key_of_store("eyJh.eyJp.sig")
    assert "begin with `rsk_`" in no_key_of_store("sk_live_1")
    assert "revoked" in no_key_of_store("rsk_1")
    assert "store's API key" in no_token("rsk_1")
    assert no_token("x") == "it is no token of this installation"


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/v1/orders/", "/v1/orders"),
        ("//v1/orders", "/v1/orders"),
        ("/orders", "/v1/orders"),
        (f"/stores/{ID}/orders/", f"/v1/stores/{ID}/orders"),
        ("/v1/order", "/v1/orders"),
        (f"/v1/order/{ID}", "/v1/orders/{order_id}"),
        (f"/v1/store/{ID}/order", "/v1/stores/{store_id}/orders"),
        ("/wp-login.php", None),
        ("/", None),
        ("/" + "x/" * 10_000, None),
    ],
)
def test_the_path_that_was_meant(path: str, meant: str | None) -> None:
    assert path_meant(path, TEMPLATES) == meant
