"""The platform's admin API as a proof: whoever has a key of it runs the shop at that host. Pure.

Shopify: Admin REST API, the shop resource. WooCommerce: REST API v3, the system status.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from services.connections.stores.addresses import normalise_domain
from shared.failures import Refused

_SHOPIFY = "/admin/api/2025-10/shop.json?fields=domain,myshopify_domain"
_WOOCOMMERCE = "/wp-json/wc/v3/system_status?_fields=environment"


@dataclass(frozen=True, slots=True)
class Key:
    """What the brand sends along: kept nowhere."""

    access_token: str | None = field(default=None, repr=False)
    consumer_key: str | None = field(default=None, repr=False)
    consumer_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the store's own host; `addresses` are those that the answer names."""

    path: str
    headers: Mapping[str, str] = field(repr=False)
    addresses: Callable[[Any], list[Any]]

    def is_answered_by(self, body: str, domain: str) -> bool:
        """Whether an answer is of the shop at this domain."""
        try:
            named = self.addresses(orjson.loads(body))
        except (ValueError, LookupError, TypeError):
            return False
        return any(_is_at(one, domain) for one in named)


def question(platform: str, key: Key) -> Question:
    """What to ask of a store on a platform.

    Raises:
        Refused: `validation_failed`, naming what is missing, or the way where there is no such API.
    """
    match platform:
        case "shopify":
            token = _required("access_token", key.access_token)
            return Question(_SHOPIFY, {"X-Shopify-Access-Token": token}, _of_shopify)
        case "woocommerce":
            name = _required("consumer_key", key.consumer_key)
            secret = _required("consumer_secret", key.consumer_secret)
            basic = base64.b64encode(f"{name}:{secret}".encode()).decode()
            return Question(_WOOCOMMERCE, {"Authorization": f"Basic {basic}"}, _of_woocommerce)
        case _:
            raise _refused("/way", f"a store on {platform} has no admin API that is known here")


def _of_shopify(answer: Any) -> list[Any]:
    return [answer["shop"].get("domain"), answer["shop"].get("myshopify_domain")]


def _of_woocommerce(answer: Any) -> list[Any]:
    return [answer["environment"]["site_url"]]


def _is_at(address: Any, domain: str) -> bool:
    try:
        return isinstance(address, str) and normalise_domain(address) == domain
    except ValueError:
        return False


def _required(name: str, value: str | None) -> str:
    if not value:
        raise _refused(f"/admin_api/{name}", "needed for a store on this platform")
    return value


def _refused(pointer: str, message: str) -> Refused:
    return Refused("validation_failed", errors=[{"pointer": pointer, "message": message}])
