"""The public HTTP APIs of the services as plain calls, for the demo and the bench.

Thin on purpose: what a call sends and gives stands in the services' own `/docs`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

import httpx

from relevo.mails import Mailboxes
from relevo.waiting import wait_for

Json = dict[str, Any]
T = TypeVar("T")
_TIMEOUT_SECONDS = 20.0


class Refused(Exception):  # noqa: N818  as the API says it
    """A service answered with a problem."""


class NeverHappened(Exception):  # noqa: N818  says what (did not) happen
    """Something awaited did not come true before its deadline; says where to look."""


class Client:
    """Calls to a running Relevo.

    Args:
        urls: base URL of each service, by name.
        mailboxes: where the mails to everybody arrive.
    """

    def __init__(self, urls: Mapping[str, str], mailboxes: Mailboxes) -> None:
        self.urls = urls
        self.mailboxes = mailboxes
        self._http = httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False)

    def call(
        self,
        service: str,
        method: str,
        path: str,
        token: str = "",
        body: Any = None,
        **headers: str,
    ) -> Json:
        """One call.

        Raises:
            Refused: anything but 2xx, with the problem.
        """
        if token:
            headers["authorization"] = f"Bearer {token}"
        answer = self._http.request(method, self.urls[service] + path, json=body, headers=headers)
        if not answer.is_success:
            raise Refused(f"{method} {path} answered {answer.status_code}: {answer.text[:500]}")
        result: Json = answer.json() if answer.content else {}
        return result

    def post_raw(self, service: str, path: str, body: bytes, headers: Mapping[str, str]) -> int:
        """POST bytes as they are; the status code, whatever it is."""
        return self._http.post(
            self.urls[service] + path, content=body, headers=dict(headers)
        ).status_code

    def get_status(self, service: str, path: str, token: str) -> int:
        """GET; the status code, whatever it is."""
        return self._http.get(
            self.urls[service] + path, headers={"authorization": f"Bearer {token}"}
        ).status_code


@dataclass(frozen=True)
class Connected:
    """A 3PL connected to a brand's store, as the two of them know it."""

    three_pl_token: str
    three_pl_email: str
    brand_token: str
    store_id: str
    connection_id: str
    api_key: str
    shopify_secret: str
    webhook_secret: str


PASSWORD = "correct horse battery"  # noqa: S105  of accounts that live as long as a demo


def sign_up(client: Client, kind: str, name: str, email: str) -> Json:
    """An account of somebody who reads the mail and sets the password; the first session."""
    form = {"kind": kind, "name": name, "email": email}
    client.call("connections", "POST", "/v1/accounts", body=form)
    token = client.mailboxes.wait_for(email).token
    body = {"token": token, "password": PASSWORD}
    return client.call("connections", "POST", "/v1/accounts/confirm", body=body)


def sign_up_three_pl(client: Client, operator_key: str, name: str) -> tuple[str, str]:
    """A 3PL on plan `conquer`: its token and e-mail."""
    email = f"ops-{uuid4().hex[:10]}@3pl.example.com"
    session = sign_up(client, "three_pl", name, email)
    client.call(
        "connections",
        "PUT",
        f"/v1/accounts/{session['account_id']}/plan",
        operator_key,
        {"plan": "conquer"},
    )
    return session["access_token"], email


def accept(client: Client, token: str, adopted: Sequence[str]) -> Json:
    """The client accepts what its mail shows, with these of the 3PL's keys; its session."""
    offer = client.call("connections", "POST", "/v1/acceptances/preview", body={"token": token})
    body = {
        "token": token,
        "settings_version": offer["settings"]["version"],
        "password": PASSWORD,
        "adopted_credentials": list(adopted),
    }
    return client.call("connections", "POST", "/v1/acceptances", body=body)


def log_in(client: Client, email: str) -> str:
    """A fresh access token; they last ten minutes."""
    body = {"email": email, "password": PASSWORD}
    token: str = client.call("connections", "POST", "/v1/sessions", body=body)["access_token"]
    return token


def connect_store(
    client: Client, token: str, email: str, webhook_url: str, shopify_secret: str
) -> Connected:
    """From the Add Brand form to an active connection with a webhook."""
    name = uuid4().hex[:10]
    contact = f"ana@{name}.example.com"
    brand = client.call(
        "connections",
        "POST",
        "/v1/brands",
        token,
        {
            "contact": {"name": "Ana Ruiz", "email": contact},
            "company_name": f"Brand {name}",
            "store_url": f"https://{name}.example.com",
            "platform": "shopify",
            "send_mail": True,
        },
    )
    store_id, connection_id = brand["store"]["id"], brand["connection"]["id"]
    credentials = f"/v1/stores/{store_id}/credentials"
    key = client.call("connections", "POST", credentials, token, {"kind": "api_key"})
    shopify = client.call(
        "connections",
        "POST",
        credentials,
        token,
        {"kind": "shopify", "secret": shopify_secret},
    )
    mailed = client.mailboxes.wait_for(contact).token
    session = accept(client, mailed, [key["id"], shopify["id"]])
    webhook_secret = set_webhook(client, token, connection_id, webhook_url)
    client.call("connections", "POST", f"/v1/connections/{connection_id}/activate", token)
    return Connected(
        three_pl_token=token,
        three_pl_email=email,
        brand_token=session["access_token"],
        store_id=store_id,
        connection_id=connection_id,
        api_key=key["secret"],
        shopify_secret=shopify_secret,
        webhook_secret=webhook_secret,
    )


def set_webhook(client: Client, token: str, connection_id: str, url: str) -> str:
    """Set the connection's webhook URL; the signing secret of the new endpoint."""
    path = f"/v1/connections/{connection_id}"
    version = client.call("connections", "GET", path, token)["version"]
    changed = client.call(
        "connections",
        "PATCH",
        f"{path}/settings",
        token,
        {"webhook_url": url},
        **{"if-match": f'"{version}"'},
    )
    secret: str = changed["settings"]["webhook"]["secret"]
    return secret


def expect(what: str, condition: Callable[[], T | None], *, seconds: float, look_at: str) -> T:
    """The first value of `condition()` that is neither None nor False.

    Raises:
        NeverHappened: not within `seconds`; names `what`, and what to `look_at`.
    """
    value = wait_for(condition, seconds)
    if value is None:
        raise NeverHappened(f"After {seconds:g} s {what} had not happened. Look at {look_at}.")
    return value
