"""What a store may run on and prove itself by: as the catalogue says, named when it is wrong."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from services.catalog import PLATFORM_NAMES, WEBHOOK_PLATFORMS
from services.connections.stores.http import CredentialRequest, Platform
from shared.web.problems import validation_errors

SECRET = "shpss_0123456789"


@pytest.mark.parametrize("name", PLATFORM_NAMES)
def test_a_store_runs_on_any_platform_of_the_catalogue(name: str) -> None:
    assert TypeAdapter(Platform).validate_python(name) == name


def test_another_platform_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(Platform).validate_python("Shopify")
    (error,) = validation_errors(refused.value.errors())
    assert all(name in error["message"] for name in PLATFORM_NAMES)


@pytest.mark.parametrize(
    "body",
    [{"kind": "api_key"}, {"kind": "api_key", "secret": None}]
    + [{"kind": name, "secret": SECRET} for name in WEBHOOK_PLATFORMS],
)
def test_a_credential_is_a_key_of_ours_or_a_secret_of_its_platform(body: dict[str, Any]) -> None:
    assert CredentialRequest.model_validate(body).secret == body.get("secret")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/kind"),
        ({"kind": "custom", "secret": SECRET}, "/kind"),
        ({"kind": "nothing"}, "/kind"),
        ({"kind": "api_key", "secret": SECRET}, "/secret"),
        ({"kind": "shopify"}, "/secret"),
        ({"kind": "shopify", "secret": None}, "/secret"),
        ({"kind": "shopify", "secret": "short"}, "/secret"),
        ({"kind": "shopify", "secret": "x" * 501}, "/secret"),
    ],
)
def test_what_is_wrong_with_a_credential_is_named(body: dict[str, Any], pointer: str) -> None:
    with pytest.raises(ValidationError) as refused:
        CredentialRequest.model_validate(body)
    (error,) = validation_errors(refused.value.errors())
    assert error["pointer"] == pointer
    assert SECRET not in error["message"]
