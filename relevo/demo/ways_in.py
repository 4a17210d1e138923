"""The other way in, and the 3PL in its brand's name: steps of the story."""

from typing import Any
from uuid import uuid4

import httpx

from relevo.demo.client import PASSWORD, Client, Refused, log_in

Json = dict[str, Any]
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  a name
_FORBIDDEN = "delegated"


def in_its_name(client: Client, token: str, connection_id: str) -> str:
    """A 3PL's token for the account of its brand, for the store of their connection."""
    form = {
        "grant_type": _EXCHANGE,
        "subject_token": token,
        "subject_token_type": _ACCESS_TOKEN,
        "audience": f"urn:relevo:connection:{connection_id}",
    }
    url = f"{client.urls['connections']}/oauth2/token"
    answer = httpx.post(url, data=form, trust_env=False)
    answer.raise_for_status()
    access_token: str = answer.json()["access_token"]
    return access_token


def log_in_as_brand(client: Client, token: str, connection_id: str) -> str:
    """It sees the brand's orders of the store, and cannot switch anything.

    Raises:
        AssertionError: it could.
    """
    delegated = in_its_name(client, token, connection_id)
    seen = client.call("routing", "GET", "/v1/orders?limit=200", delegated)["data"]
    try:
        path = f"/v1/connections/{connection_id}/activate"
        client.call("connections", "POST", path, delegated)
    except Refused as refused:
        if _FORBIDDEN not in str(refused):
            raise
    else:
        raise AssertionError("a 3PL switched a connection in its brand's name")
    return (
        f"The 3PL logs in as brand: it sees {len(seen)} orders of the store, and switches nothing"
    )


def invite(client: Client, brand_email: str, store_id: str) -> tuple[str, str]:
    """The brand invites a second 3PL, which nobody knew; its address, and the state it comes to."""
    email = f"hola-{uuid4().hex[:8]}@almacen-sur.example.com"
    form = {
        "email": email,
        "store_id": store_id,
        "own_words": "Hola, ¿lleváis también nuestros pedidos del sur?",
        "language": "es",
    }
    client.call("connections", "POST", "/v1/invitations", log_in(client, brand_email), form)
    body = {
        "token": client.mailboxes.wait_for(email).token,
        "password": PASSWORD,
        "name": "Almacén Sur",
    }
    taken = client.call("connections", "POST", "/v1/invitations/accept", body=body)
    return email, taken["connection"]["state"]
