"""Whose access token is believed."""

import base64
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.requests import Request

from shared.failures import Refused
from shared.web.access import bearer_token
from shared.web.auth import AUDIENCE, Delegation, Principal, Verifier

ACCOUNT, ACTOR = uuid4(), uuid4()


def public_jwk(key: Ed25519PrivateKey, kid: str) -> dict[str, str]:
    x = base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).decode().rstrip("=")
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": "EdDSA"}


OLD, NEW = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
JWKS = orjson.dumps({"keys": [public_jwk(OLD, "old"), public_jwk(NEW, "new")]}).decode()


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    full = {
        "iss": "relevo", "aud": AUDIENCE, "sub": "user-1", "account": str(ACCOUNT),
        "kind": "brand", "role": "operator", "ver": 3, "iat": now, "exp": now + 60, **changed,
    }  # fmt: skip
    return {name: value for name, value in full.items() if value is not None}


def token(
    content: Mapping[str, Any],
    key: Ed25519PrivateKey = NEW,
    header: Mapping[str, Any] | None = None,
) -> str:
    return jwt.encode(dict(content), key, "EdDSA", dict(header or {"kid": "new"}))


@pytest.fixture
def verifier() -> Verifier:
    return Verifier(JWKS, "relevo")


def test_a_token_tells_account_kind_and_subject(verifier: Verifier) -> None:
    assert verifier.verify(token(claims())) == Principal(ACCOUNT, "brand", "user-1", "operator", 3)


@pytest.mark.parametrize("changed", [{"role": None}, {"role": "root"}, {"ver": None}])
def test_a_token_without_a_role_that_there_is_or_a_version_is_none(
    verifier: Verifier, changed: dict[str, Any]
) -> None:
    with pytest.raises(Refused, match="invalid_token"):
        verifier.verify(token(claims(**changed)))


def test_who_acts_for_whom_is_told(verifier: Verifier) -> None:
    delegation = Delegation(uuid4(), 7, 3, uuid4(), may_set_keys=True)
    act = {"account": str(ACTOR), "sub": "user-1"}
    principal = verifier.verify(token(claims(act=act, **delegation.claims())))
    assert (principal.account_id, principal.actor) == (ACCOUNT, ACTOR)
    assert principal.delegation == delegation
    # Nobody acts for another without saying by what.
    with pytest.raises(Refused, match="invalid_token"):
        verifier.verify(token(claims(act=act)))


def test_while_keys_rotate_both_are_good(verifier: Verifier) -> None:
    assert verifier.verify(token(claims(), OLD, {"kid": "old"})).account_id == ACCOUNT
    assert verifier.verify(token(claims(), NEW, {"kid": "new"})).account_id == ACCOUNT


def hmac_with_the_public_key(content: Mapping[str, Any]) -> str:
    secret = NEW.public_key().public_bytes_raw()
    return jwt.encode(dict(content), secret, "HS256", {"kid": "new"})


REFUSED = {
    "not yet": token(claims(nbf=int(time.time()) + 3_600)),
    "other audience": token(claims(aud="somebody")),
    "no audience": token(claims(aud=None)),
    "never expires": token(claims(exp=None)),
    "no issue time": token(claims(iat=None)),
    "no subject": token(claims(sub=None)),
    "no account": token(claims(account=None)),
    "no kind": token(claims(kind=None)),
    "account is no id": token(claims(account="me")),
    "account is a number": token(claims(account=7)),
    "act without account": token(claims(act={"sub": "x"})),
    "act is text": token(claims(act="somebody")),
    "key of another id": token(claims(), OLD, {"kid": "new"}),
    "unknown key id": token(claims(), NEW, {"kid": "newer"}),
    "no key id": token(claims(), NEW, {"typ": "at+jwt"}),
    "signed with the public key": hmac_with_the_public_key(claims()),
    "cut off": token(claims())[:-4],
    "no token": "abc",
    "other content": ".".join(
        [*token(claims()).split(".")[:1], token(claims(kind="three_pl")).split(".")[1],
         *token(claims()).split(".")[2:]]
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "case",
    list(REFUSED),
)
def test_every_other_token_is_refused(verifier: Verifier, case: str) -> None:
    with pytest.raises(Refused, match="invalid_token"):
        verifier.verify(REFUSED[case])


@pytest.mark.parametrize(
    ("shown", "seen"),
    [
        (token(claims(exp=int(time.time()) - 60)), "it has expired"),
        (REFUSED["not yet"], "a clock is wrong"),
        (REFUSED["key of another id"], "its signature is wrong"),
        (REFUSED["unknown key id"], "of a time before its keys"),
        ("rsk_1", "it is a store's API key"),
    ],
)
def test_its_holder_is_told_why(verifier: Verifier, shown: str, seen: str) -> None:
    with pytest.raises(Refused) as refused:
        verifier.verify(shown)
    assert seen in refused.value.facts["seen"]


def request(authorization: str | None) -> Request:
    headers = [] if authorization is None else [(b"authorization", authorization.encode())]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize("header", ["Bearer abc", "bearer abc", "BEARER  abc "])
def test_the_scheme_is_read_in_any_letter_case(header: str) -> None:
    assert bearer_token(request(header)) == "abc"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer  ", "Basic abc", "abc"])
def test_without_a_bearer_token_the_caller_is_told_how(header: str | None) -> None:
    with pytest.raises(Refused, match="missing_token"):
        bearer_token(request(header))


def test_an_account_is_an_id(verifier: Verifier) -> None:
    assert isinstance(verifier.verify(token(claims())).account_id, UUID)
