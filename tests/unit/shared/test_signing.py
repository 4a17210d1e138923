"""Signatures, judged by the reference library."""

import base64
import secrets
import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from shared.signing import key_of, signature

BODY = '{"type":"order.created",  "data":{"name":"Zoë"}}'.encode()


def new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


def headers(*signing: str, body: bytes = BODY) -> dict[str, str]:
    now = int(time.time())
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(now),
        "webhook-signature": signature([key_of(secret) for secret in signing], "msg_1", now, body),
    }


def test_the_reference_library_verifies_it() -> None:
    secret = new_secret()

    assert Webhook(secret).verify(BODY.decode(), headers(secret))["type"] == "order.created"


def test_each_of_several_secrets_verifies() -> None:
    old, new = new_secret(), new_secret()
    signed = headers(new, old)

    assert len(signed["webhook-signature"].split(" ")) == 2
    for secret in (old, new):
        Webhook(secret).verify(BODY.decode(), signed)


def test_another_secret_or_body_does_not() -> None:
    secret = new_secret()
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(BODY.decode(), headers(secret))
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY.decode() + " ", headers(secret))


def test_the_known_example() -> None:
    key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    assert (
        signature([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


@pytest.mark.parametrize("secret", ["whsec_", "", "whsec_not base64!", "whsec_AAA"])
def test_what_is_no_secret(secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        key_of(secret)
