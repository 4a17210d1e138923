"""Access tokens and the secrets that are handed out."""

import base64
import json
from uuid import uuid4

import jwt
import pytest

from relevo.operate import secrets
from services.connections.accounts import tokens
from services.connections.accounts.tokens import Grant, TokenIssuer
from shared.failures import Refused
from shared.web.auth import Principal, Verifier


@pytest.fixture(scope="module")
def keys() -> dict[str, str]:
    return secrets.generate()


class OneKey:
    """A keyring that never turns."""

    def __init__(self, jwk: str) -> None:
        self._key = jwt.PyJWK(json.loads(jwk), algorithm="EdDSA")

    def signing_key(self) -> jwt.PyJWK:
        return self._key


def issuer(keys: dict[str, str], seconds: int = 600) -> TokenIssuer:
    return TokenIssuer(OneKey(keys["RELEVO_CONNECTIONS_SIGNING_KEY"]), "relevo", seconds)


def a_grant() -> Grant:
    return Grant(uuid4(), uuid4(), "three_pl", "viewer", 7, uuid4())


def test_a_token_verifies_and_says_whose_it_is(keys: dict[str, str]) -> None:
    grant = a_grant()
    token = issuer(keys).issue(grant)
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    principal = Verifier(keys["RELEVO_AUTH_JWKS"], "relevo").verify(token)
    assert principal == Principal(
        grant.account_id, "three_pl", str(grant.subject), "viewer", 7, grant.session_id
    )


def test_tokens_that_are_over_of_another_issuer_or_another_key_do_not_pass(
    keys: dict[str, str],
) -> None:
    other = secrets.generate()
    over = issuer(keys, seconds=-1).issue(a_grant())
    good = issuer(keys).issue(a_grant())
    unsigned = jwt.encode({"sub": "x", "aud": "relevo"}, "", algorithm="none")
    for verifier, token in (
        (Verifier(keys["RELEVO_AUTH_JWKS"], "relevo"), over),
        (Verifier(keys["RELEVO_AUTH_JWKS"], "somebody"), good),
        (Verifier(other["RELEVO_AUTH_JWKS"], "relevo"), good),
        (Verifier(keys["RELEVO_AUTH_JWKS"], "relevo"), unsigned),
        (Verifier(keys["RELEVO_AUTH_JWKS"], "relevo"), ""),
    ):
        with pytest.raises(Refused, match="invalid_token"):
            verifier.verify(token)


def test_signing_secrets_are_as_standard_webhooks_wants_them() -> None:
    secret = tokens.new_signing_secret()
    assert secret.startswith("whsec_")
    assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"))) <= 64
    assert secret != tokens.new_signing_secret()
