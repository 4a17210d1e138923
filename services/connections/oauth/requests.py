"""A request for a token as it stands in a form (RFC 6749, 3.2 and 2.3.1). Pure."""

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote_plus
from uuid import UUID

from services.connections.oauth.errors import OAuthError

_MOST_FIELDS = 50
_KNOWN = frozenset(
    {
        *("grant_type", "client_id", "client_secret", "scope", "refresh_token"),
        *("subject_token", "subject_token_type", "audience"),
    }
)


def form_of(body: bytes, content_type: str) -> dict[str, str]:
    """The fields of a form that mean something here, each once; others are ignored.

    Raises:
        OAuthError: `invalid_request`.
    """
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise OAuthError("invalid_request", "send a form: application/x-www-form-urlencoded")
    try:
        fields = parse_qsl(
            body.decode(), keep_blank_values=True, strict_parsing=bool(body),
            errors="strict", max_num_fields=_MOST_FIELDS,
        )  # fmt: skip
    except ValueError as error:
        raise OAuthError("invalid_request", "this is no form") from error
    known = [(name, value) for name, value in fields if name in _KNOWN]
    form = dict(known)
    if len(form) != len(known):
        raise OAuthError("invalid_request", "a field stands there twice")
    return form


def field_of(form: Mapping[str, str], name: str) -> str:
    """A field that has to be there.

    Raises:
        OAuthError: `invalid_request`, with its name.
    """
    value = form.get(name)
    if not value:
        raise OAuthError("invalid_request", f"{name} is missing")
    return value


def client_of(form: Mapping[str, str], authorization: str) -> tuple[UUID, str]:
    """The id and the secret of a client, from `Authorization: Basic` or the form.

    Raises:
        OAuthError: `invalid_request` when both say it; `invalid_client` when none does, or not so
            that it could be one.
    """
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "basic":
        if "client_secret" in form:
            raise OAuthError("invalid_request", "the client shows itself twice")
        client_id, secret = _basic(credentials)
    else:
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    try:
        return UUID(client_id), secret
    except ValueError as error:
        raise OAuthError("invalid_client", "no client has this id and this secret") from error


def _basic(credentials: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise OAuthError("invalid_client", "the Basic credentials cannot be read") from error
    client_id, _, secret = text.partition(":")
    # RFC 6749, 2.3.1: each is encoded as in a form.
    return unquote_plus(client_id), unquote_plus(secret)
