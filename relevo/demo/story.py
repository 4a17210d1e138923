"""The story from sign-up to hand-back, through the public HTTP APIs alone.

The closing table is the proof: `right` is False when anything is lost, twice, unverified, or with
the wrong party, and the command then exits with 1.
"""

import base64
import hashlib
import hmac
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.request import Request, urlopen

from relevo.demo import shopify_sample, ways_in
from relevo.demo.client import Client, accept, expect, log_in, set_webhook, sign_up_three_pl
from relevo.demo.shipping import Shipping
from relevo.mails import Mailboxes
from services.catalog import API_NAMES
from shared.egress.masking import masked

Json = dict[str, Any]
SHOPIFY_ORDERS, GENERIC_ORDERS, PROCESSED = 40, 20, 12
_SECRET = "shpss_demo_secret"  # noqa: S105  of a store that lives as long as the demo
_RULE, _GIFT = "Gifts are ours", "G-gift"
_UNAUTHORIZED = 401
_OK = range(200, 300)
_SECONDS = 30.0


class ReceiverProcess:
    """The 3PL's receiver, in a process of its own.

    Args:
        host: to listen on.
        port: to listen on; 0 chooses a free one.
        public_host: how the webhooks service reaches it.
    """

    def __init__(self, host: str, port: int, public_host: str) -> None:
        command = [sys.executable, "-m", "relevo.demo.receiver", host, str(port)]
        self._child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        chosen = int(self._child.stdout.readline()) if self._child.stdout else 0
        self.url = f"http://{public_host}:{chosen}/webhooks"
        self.shipping_url = f"http://{public_host}:{chosen}/shipping"
        self._local = f"http://127.0.0.1:{chosen}/"

    def tell_secret(self, secret: str) -> None:
        """The signing secret."""
        request = Request(f"{self._local}secret", data=secret.encode(), method="PUT")  # noqa: S310  our own receiver
        urlopen(request, timeout=5).close()  # noqa: S310  our own receiver

    def tell_shipping_secret(self, secret: str) -> None:
        """What requests for labels are signed with."""
        request = Request(f"{self._local}shipping-secret", data=secret.encode(), method="PUT")  # noqa: S310  our own receiver
        urlopen(request, timeout=5).close()  # noqa: S310  our own receiver

    def report(self) -> Json:
        """What it received and rejected."""
        with urlopen(f"{self._local}received", timeout=5) as answer:  # noqa: S310  our own receiver
            report: Json = json.load(answer)
        return report

    def end(self) -> None:
        """End it."""
        self._child.kill()
        self._child.communicate()


def _explained(table: Json, by_type: Mapping[str, int]) -> list[str]:
    """What the numbers of the closing table are made of."""
    events = " + ".join(f"{count} {name}" for name, count in sorted(by_type.items()))
    sent, stayed, returned = table["sent"], table["stayed"], table["returned"]
    return [
        f"sent {sent} = {SHOPIFY_ORDERS} webhooks of Shopify + {GENERIC_ORDERS} orders by the API",
        f"sent {sent} = {stayed} stayed, in work at the switch-off, + {returned} returned",
        f"verified {sum(by_type.values())} = {events}: the receiver checked each signature",
        f"labels {table['labels']}: {stayed - table['labels']} of the {stayed} were shipped before",
        f"kept {table['kept']}: what a rule of the brand kept back is not among the sent",
    ]


@dataclass
class Story:
    """What the steps share.

    Args:
        client: to the services.
        operator_key: for the plan.
        receiver: the 3PL's.
        tell: called with each step's sentence and its seconds, and with each mail.
        look_at: where the logs are, for what never happened.
    """

    client: Client
    operator_key: str
    receiver: ReceiverProcess
    tell: Callable[[str, float | None], None]
    look_at: str
    token: str = ""
    store_id: str = ""
    connection_id: str = ""
    api_key: str = ""
    login_token: str = ""
    brand_email: str = ""
    keys: list[str] = field(default_factory=list)
    sent: set[str] = field(default_factory=set)
    processed: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    shipments: Shipping | None = None
    steps: list[Json] = field(default_factory=list)

    def play(self) -> Json:
        """All steps, then the table."""
        for step in (
            self.sign_up, self.add_brand, self.open_link, self.accept, self.settings,
            self.order_rule, self.shipping_rules, self.carrier_and_prices, self.activate,
            self.refuse_a_wrong_signature, self.shopify_orders, self.generic_orders,
            self.receive, self.kept_by_the_rule, self.process, self.deactivate, self.update_one,
            self.labels, self.fees, self.tickets, self.order_after, self.log_in_as_brand,
            self.invite,
        ):  # fmt: skip
            started = time.monotonic()
            said = step()
            took = time.monotonic() - started
            self.steps.append({"step": said, "seconds": round(took, 3)})
            self.tell(said, took)
        return self.table()

    # --- the steps ----------------------------------------------------------------------------

    def sign_up(self) -> str:
        """The 3PL."""
        self.token, email = sign_up_three_pl(self.client, self.operator_key, "Pack & Go")
        self.mail(email)
        self.token = log_in(self.client, email)
        return "The 3PL signs up by the mailed link, is put on plan conquer, and logs in"

    def add_brand(self) -> str:
        """The form, and the store's credentials."""
        name = base64.b32encode(hashlib.sha256(self.token.encode()).digest())[:10].decode().lower()
        self.brand_email = f"ana@{name}.example.com"
        brand = self.client.call(
            "connections",
            "POST",
            "/v1/brands",
            self.token,
            {
                "contact": {"name": "Ana Ruiz", "email": self.brand_email},
                "company_name": "Casa Ruiz",
                "store_url": f"https://www.{name}.example.com/",
                "platform": "shopify",
                "warehouse": {
                    "address1": "Am Sandtorkai 1",
                    "city": "Hamburg",
                    "zip": "20457",
                    "country": "DE",
                },
                "monthly_order_range": "1001-5000",
                "priorities": ["speed", "custody"],
            },
        )
        self.store_id, self.connection_id = brand["store"]["id"], brand["connection"]["id"]
        self.login_token = brand["login_link"]["token"]
        path = f"/v1/stores/{self.store_id}/credentials"
        call = self.client.call
        made = [
            call("connections", "POST", path, self.token, {"kind": "api_key"}),
            call("connections", "POST", path, self.token, {"kind": "shopify", "secret": _SECRET}),
        ]
        self.api_key, self.keys = made[0]["secret"], [key["id"] for key in made]
        state = brand["connection"]["state"]
        return f"It adds its brand Casa Ruiz: the connection is {state}, a login link to share"

    def open_link(self) -> str:
        """The shared link shows who asks for what, and no more."""
        body = {"token": self.login_token}
        shown = self.client.call("connections", "POST", "/v1/login-links/open", body=body)
        self.mail(self.brand_email)
        return f"The brand opens the link: {shown['three_pl']} asks, a mail is on its way"

    def accept(self) -> str:
        """The mailed link makes the brand."""
        accept(self.client, self.client.mailboxes.wait_for(self.brand_email).token, self.keys)
        state = self.connection()["state"]
        return (
            f"The brand sets a password and accepts by the mailed link: the connection is {state}"
        )

    def settings(self) -> str:
        """The webhook and whose account pays."""
        secret = set_webhook(self.client, self.token, self.connection_id, self.receiver.url)
        self.receiver.tell_secret(secret)
        version = self.connection()["version"]
        self.client.call(
            "connections",
            "PATCH",
            f"/v1/connections/{self.connection_id}/settings",
            self.token,
            {"shipping_rules_owner": "three_pl", "billing_owner": "three_pl"},
            **{"if-match": f'"{version}"'},
        )
        return f"Settings: webhook to {masked(self.receiver.url)}, the 3PL's rules and account"

    def order_rule(self) -> str:
        """The brand keeps some orders for itself."""
        rule = {"name": _RULE, "if": {"kind": "tag", "any_of": ["gift"]}, "then": "do_not_send"}
        version = self.connection()["version"]
        self.client.call(
            "connections",
            "PUT",
            f"/v1/connections/{self.connection_id}/order-rules",
            log_in(self.client, self.brand_email),
            {"rules": [rule], "default": "send"},
            **{"if-match": f'"{version}"'},
        )
        return f"The brand sets an order rule, “{_RULE}”: orders with the tag gift are not sent"

    def shipping_rules(self) -> str:
        """Of both parties."""
        return self.shipping().rules_of_both(self.brand_email)

    def carrier_and_prices(self) -> str:
        """By whom labels are made here, and what things cost."""
        said, secret = self.shipping().account_and_prices(self.receiver.shipping_url)
        self.receiver.tell_shipping_secret(secret)
        return said

    def labels(self) -> str:
        """For what stayed with the 3PL."""
        return self.shipping().buy_labels(len(self.processed))

    def fees(self) -> str:
        """Seen by both."""
        return self.shipping().see_fees(self.brand_email)

    def tickets(self) -> str:
        """One about a parcel, one to the operator."""
        return self.shipping().ask_for_help(self.brand_email)

    def shipping(self) -> Shipping:
        """What is shipped, and what that costs."""
        if self.shipments is None:
            self.shipments = Shipping(self.client, self.token, self.operator_key, self.wait)
        return self.shipments

    def activate(self) -> str:
        """Switch on, and wait until the store's credentials are known where orders arrive."""
        path = f"/v1/connections/{self.connection_id}/activate"
        epoch = self.client.call("connections", "POST", path, self.token)["epoch"]
        preview = f"/v1/handovers/preview?connection={self.connection_id}"
        self.wait(
            "orders to follow the switch",
            lambda: (
                self.client.get_status("routing", preview, self.token) in _OK
                and self.client.call("routing", "GET", preview, self.token)["state"] == "active"
            ),
        )
        self.wait(
            "ingest to know the store",
            lambda: (
                self.client.get_status("ingest", f"/v1/stores/{self.store_id}", self.api_key) in _OK
            ),
        )
        return f"The connection is switched on: epoch {epoch}"

    def refuse_a_wrong_signature(self) -> str:
        """A forged webhook."""
        body = json.dumps(shopify_sample.order(0)).encode()
        status = self.post_shopify(body, "a wrong secret")
        if status != _UNAUTHORIZED:
            raise AssertionError(f"a forged webhook was answered {status}")
        return f"A forged webhook is answered {status}"

    def shopify_orders(self) -> str:
        """True Shopify bodies; the first one probes that routing follows the switch."""
        for number in range(SHOPIFY_ORDERS):
            body = json.dumps(shopify_sample.order(number)).encode()
            self.accepted(self.post_shopify(body, _SECRET))
            self.sent.add(str(shopify_sample.FIRST_ID + number))
        return f"The store sends {SHOPIFY_ORDERS} Shopify order webhooks"

    def generic_orders(self) -> str:
        """The same store through the generic API, in one request."""
        orders = [generic_order(f"G-{number}") for number in range(GENERIC_ORDERS)]
        path = f"/v1/stores/{self.store_id}/orders"
        self.client.call("ingest", "POST", path, self.api_key, orders)
        self.sent |= {order["external_id"] for order in orders}
        return f"It sends {GENERIC_ORDERS} more through the generic API, in one request"

    def receive(self) -> str:
        """Every order reaches the 3PL."""
        self.wait(
            "every order to reach the 3PL", lambda: self.of_type("order.created") == self.sent
        )
        return f"The 3PL has received and verified order.created for all {len(self.sent)}"

    def kept_by_the_rule(self) -> str:
        """An order that the rule keeps with the brand, and its history says so."""
        path = f"/v1/stores/{self.store_id}/orders"
        order = {**generic_order(_GIFT), "tags": ["Gift"]}
        self.client.call("ingest", "POST", path, self.api_key, order)
        brand = log_in(self.client, self.brand_email)
        found = self.wait("the brand to see its gift", lambda: self.find(brand, _GIFT))
        if found["owner"] != "brand" or self.events_of(_GIFT):
            raise AssertionError(f"an order that a rule keeps went to {found['owner']}")
        history = self.client.call("routing", "GET", f"/v1/orders/{found['id']}/history", brand)
        rule = history["data"][0]["why"]["passed_over"][0]["order_rules"]["rule"]["name"]
        if rule != _RULE:
            raise AssertionError(f"the history names another rule: {rule}")
        self.kept.add(_GIFT)
        return "A gift stays with the brand: the order's history names the rule"

    def process(self) -> str:
        """The 3PL works some of them and ships a few."""
        path = f"/v1/orders?tab=orders&connection={self.connection_id}&limit={PROCESSED}"
        orders = self.client.call("routing", "GET", path, self.token)["data"]
        for number, order in enumerate(orders):
            command = f"/v1/orders/{order['id']}"
            body = {"version": order["version"]}
            after = self.client.call("routing", "POST", f"{command}/process", self.token, body)
            if number % 3 == 0:
                body = {"version": after["version"]}
                self.client.call("routing", "POST", f"{command}/ship", self.token, body)
        self.processed = {order["external_id"] for order in orders}
        shipped = -(-len(orders) // 3)
        return f"The 3PL processes {len(orders)} of them and ships {shipped}"

    def deactivate(self) -> str:
        """Switch off: the Orders tab goes back."""
        path = f"/v1/connections/{self.connection_id}/deactivate"
        self.client.call("connections", "POST", path, self.token)
        back = self.sent - self.processed
        self.wait("the Orders tab to go back", lambda: self.of_type("order.unassigned") == back)
        handovers = f"/v1/handovers?connection={self.connection_id}"
        done = self.client.call("routing", "GET", handovers, self.token)["data"][0]
        return (
            f"The connection is switched off: {done['returned']} orders are back with the brand, "
            f"{done['stayed']} stay with the 3PL"
        )

    def update_one(self) -> str:
        """An order that stayed is edited at the store."""
        external_id = min(self.processed)
        before = len(self.events_of(external_id))
        if external_id.startswith("G-"):
            update = {**generic_order(external_id, "2026-03-01T13:00:00Z"), "note": "Ring twice"}
            path = f"/v1/stores/{self.store_id}/orders"
            self.client.call("ingest", "POST", path, self.api_key, update)
        else:
            number = int(external_id) - shopify_sample.FIRST_ID
            body = json.dumps(shopify_sample.order(number, 60, note="Ring twice")).encode()
            self.accepted(self.post_shopify(body, _SECRET))
        self.wait(
            "the update of a processed order to reach the 3PL",
            lambda: len(self.events_of(external_id)) > before,
        )
        return "The store edits a processed order: the update still reaches the 3PL"

    def order_after(self) -> str:
        """A new order after the switch is the brand's."""
        late = "G-late"
        path = f"/v1/stores/{self.store_id}/orders"
        self.client.call("ingest", "POST", path, self.api_key, generic_order(late))
        brand_token = log_in(self.client, self.brand_email)
        found = self.wait(
            "the brand to see its new order",
            lambda: self.find(brand_token, late),
        )
        if found["owner"] != "brand" or self.events_of(late):
            raise AssertionError(f"an order after the switch went to {found['owner']}")
        return "A new order stays with the brand, and the 3PL hears nothing of it"

    def log_in_as_brand(self) -> str:
        """The 3PL in its brand's name."""
        return ways_in.log_in_as_brand(self.client, self.token, self.connection_id)

    def invite(self) -> str:
        """The other way in: one mail from the brand."""
        email, state = ways_in.invite(self.client, self.brand_email, self.store_id)
        self.mail(email)
        return f"The brand invites a second 3PL; by its mailed link the connection is {state}"

    # --- the account --------------------------------------------------------------------------

    def table(self) -> Json:
        """What was sent, what came, where it is."""
        report = self.receiver.report()
        received = report["received"]
        twice = Counter(webhook["webhook_id"] for webhook in received)
        created, back = self.of_type("order.created"), self.of_type("order.unassigned")
        mine = self.orders_of_three_pl()
        table = {
            "sent": len(self.sent),
            "delivered": len(created),
            "verified": len(received) if report["rejected"] == 0 else 0,
            "returned": len(back),
            "stayed": len(mine),
            "kept": len(self.kept),
            "labels": self.shipping().labels,
            "fees": f"{self.shipping().fees} EUR",
            "tickets": self.shipping().tickets,
            "lost": len(self.sent - created),
            "duplicated": sum(count - 1 for count in twice.values()),
        }
        right = (
            table["delivered"] == table["sent"] == SHOPIFY_ORDERS + GENERIC_ORDERS
            and table["verified"] == len(received) >= table["sent"]
            and mine == self.processed
            and back == self.sent - self.processed
            and table["labels"] == len(self.processed) - -(-len(self.processed) // 3)
            and self.shipping().fees > 0
            and self.shipping().answered == 1
            and table["lost"] == 0
            and table["duplicated"] == 0
        )
        by_type = Counter(webhook["type"] for webhook in received)
        return {
            "steps": self.steps,
            "table": table,
            "verified_by_type": by_type,
            "explained": _explained(table, by_type),
            "right": right,
            "docs": self.docs(),
        }

    def docs(self) -> Mapping[str, str]:
        """Where the API docs are."""
        return {name: f"{url}/docs" for name, url in self.client.urls.items() if name in API_NAMES}

    # --- small words --------------------------------------------------------------------------

    def mail(self, address: str) -> None:
        """Show the newest mail to an address, as a line."""
        mail = self.client.mailboxes.wait_for(address)
        self.tell(f"   ✉ to {address}: {mail.subject}", None)

    def wait(self, what: str, condition: Callable[[], Any]) -> Any:
        """Wait for a condition, with a deadline."""
        return expect(f"waiting for {what}", condition, seconds=_SECONDS, look_at=self.look_at)

    def connection(self) -> Json:
        """As it is."""
        path = f"/v1/connections/{self.connection_id}"
        return self.client.call("connections", "GET", path, self.token)

    def post_shopify(self, body: bytes, secret: str) -> int:
        """A webhook as Shopify sends it; its answer."""
        digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
        headers = {
            "content-type": "application/json",
            "x-shopify-topic": "orders/create",
            "x-shopify-shop-domain": "casa-ruiz.example.com",
            "x-shopify-hmac-sha256": base64.b64encode(digest).decode(),
        }
        return self.client.post_raw("ingest", f"/webhooks/shopify/{self.store_id}", body, headers)

    def accepted(self, status: int) -> None:
        """Anything but 2xx ends the story."""
        if status not in _OK:
            raise AssertionError(f"an order webhook was answered {status}")

    def of_type(self, event_type: str) -> set[str]:
        """The orders that an event of this type told of."""
        return {
            webhook["external_id"]
            for webhook in self.receiver.report()["received"]
            if webhook["type"] == event_type
        }

    def events_of(self, external_id: str) -> list[Json]:
        """What the 3PL was told of one order."""
        report = self.receiver.report()["received"]
        return [webhook for webhook in report if webhook["external_id"] == external_id]

    def orders_of_three_pl(self) -> set[str]:
        """What the 3PL owns now."""
        path = f"/v1/orders?connection={self.connection_id}&limit=200"
        rows = self.client.call("routing", "GET", path, self.token)["data"]
        return {row["external_id"] for row in rows}

    def find(self, token: str, external_id: str) -> Json | None:
        """One of the newest orders that an account sees."""
        rows = self.client.call("routing", "GET", "/v1/orders?limit=50", token)["data"]
        return next((row for row in rows if row["external_id"] == external_id), None)


def generic_order(external_id: str, updated_at: str = "2026-03-01T12:00:00Z") -> Json:
    """An order in Relevo's own shape."""
    return {
        "external_id": external_id,
        "number": f"#{external_id}",
        "created_at": "2026-03-01T12:00:00Z",
        "updated_at": updated_at,
        "currency": "EUR",
        "total": "29.00",
        "email": "leo@example.com",
        "shipping_address": {
            "name": "Leo Sanz",
            "address1": "Calle Mayor 1",
            "city": "Madrid",
            "zip": "28013",
            "country_code": "ES",
        },
        "lines": [{"sku": "MUG-RED", "title": "Mug", "quantity": 1, "price": "29.00"}],
    }


def play(
    urls: Mapping[str, str],
    operator_key: str,
    tell: Callable[[str, float | None], None],
    look_at: str,
    mailboxes: Mailboxes,
    *,
    receiver_host: str = "127.0.0.1",
    receiver_bind: str = "127.0.0.1",
    receiver_port: int = 0,
) -> Json:
    """The whole story against a running Relevo; steps, table, whether it is right.

    Raises:
        Refused, NeverHappened, AssertionError: a step went wrong; the message says what.
    """
    receiver = ReceiverProcess(receiver_bind, receiver_port, receiver_host)
    try:
        return Story(Client(urls, mailboxes), operator_key, receiver, tell, look_at).play()
    finally:
        with suppress(OSError):
            receiver.end()
