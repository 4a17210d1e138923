"""What the settings do: shipping rules, labels, fees and a ticket; steps of the story."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

from relevo.demo.client import Client, Refused, log_in

Json = dict[str, Any]
Wait = Callable[[str, Callable[[], Any]], Any]
CARRIER = "correos"
_PER_ORDER, _PER_ITEM, _PLATFORM_FEE = Decimal("1.50"), Decimal("0.20"), Decimal("0.25")
_EXISTS = "price_list_exists"


@dataclass
class Shipping:
    """The 3PL's work on what it has, and what it costs.

    Args:
        client: to the services.
        token: the 3PL's.
        operator_key: for the platform's prices, and the answer to a question.
        wait: for a condition, with a deadline.
    """

    client: Client
    token: str
    operator_key: str
    wait: Wait
    fees: Decimal = field(default=Decimal(0))
    labels: int = 0
    tickets: int = 0
    answered: int = 0

    def rules_of_both(self, brand_email: str) -> str:
        """Both parties have rules; the connection's settings say whose count."""
        spain = {"kind": "country", "any_of": ["ES", "DE"]}
        theirs = {
            "rules": [
                {"name": "Mainland", "if": spain, "then": {"carrier": CARRIER, "service": "paq24"}}
            ],
            "fallback": None,
        }
        own: Json = {"rules": [], "fallback": {"carrier": "post"}}
        for token, rules in ((self.token, theirs), (log_in(self.client, brand_email), own)):
            self._fulfilment("PUT", "/v1/shipping-rules", token, rules, **{"if-match": '"0"'})
        return "Both set shipping rules: the settings say that the 3PL's count"

    def account_and_prices(self, url: str) -> tuple[str, str]:
        """The 3PL's own shipping system, and prices; what to tell, and the secret that signs."""
        settings = {"kind": "http", "url": url}
        body = {"carrier": CARRIER, "name": "Our contract", "settings": settings}
        made = self._fulfilment("POST", "/v1/carrier-accounts", self.token, body)
        for token, name, prices in (
            (self.operator_key, "Platform", {"per_order": str(_PLATFORM_FEE)}),
            (
                self.token,
                "Packing",
                {"per_order": str(_PER_ORDER), "per_item": str(_PER_ITEM)},
            ),
        ):
            body = {"name": name, "currency": "EUR", "prices": prices}
            try:
                self._fulfilment("POST", "/v1/price-lists", token, body)
            except Refused as refused:
                # The platform has one from the demo before.
                if _EXISTS not in str(refused):
                    raise
        secret: str = made["secret"]
        told = (
            f"The 3PL adds its carrier account for {CARRIER}; both it and the platform set prices"
        )
        return told, secret

    def buy_labels(self, shipments: int) -> str:
        """For everything that waits for one; what was shipped already has none."""

        def made() -> list[Json] | None:
            found = self._shipments()
            return found if len(found) == shipments else None

        found = self.wait("a shipment for each order that is worked", made)
        chosen = {(one["chosen_by"], one["shipping"]["carrier"]) for one in found}
        if chosen != {("rule", CARRIER)}:
            raise AssertionError(f"the 3PL's rules did not choose: {chosen}")
        waiting = [one for one in found if one["status"] == "ready"]
        wanted = [{"shipment_id": one["id"], "version": one["version"]} for one in waiting]
        answer = self._fulfilment("POST", "/v1/shipments/labels", self.token, {"shipments": wanted})
        refused = [result for result in answer["results"] if not result["ok"]]
        if refused:
            raise AssertionError(f"labels were refused: {refused[0]['problem']}")
        self.wait("the labels", lambda: self._with_label() == len(waiting))
        self.labels = len(waiting)
        self.wait("the labels to print", lambda: self._printed([one["id"] for one in waiting]))
        return (
            f"Its rules choose {CARRIER} for all {len(found)}; {len(waiting)} labels are bought "
            "and printed in one file"
        )

    def see_fees(self, brand_email: str) -> str:
        """What the ledger has, seen from both sides."""
        found = self._shipments()
        packing = sum((_PER_ORDER + _PER_ITEM * one["item_count"] for one in found), Decimal(0))
        platform = _PLATFORM_FEE * len(found)
        brand = log_in(self.client, brand_email)

        def adds_up() -> bool:
            owed, owes = self._balances(self.token), self._balances(brand)
            return owed == [-platform, packing] and owes == [-packing]

        self.wait("the fees to add up for both", adds_up)
        self.fees = packing + platform
        return (
            f"Fees of {len(found)} shipments are in the ledger: {packing} EUR for the 3PL, "
            f"{platform} EUR for the platform; both sides see the same"
        )

    def ask_for_help(self, brand_email: str) -> str:
        """A carrier ticket of the brand, which answers for them here, and a question answered."""
        order_id = self._shipments()[0]["order_id"]
        brand = log_in(self.client, brand_email)
        late = {
            "order_id": order_id,
            "category": "extreme_delay",
            "fields": {"days_since_shipped": 9},
            "message": "Nobody has seen it since Monday.",
        }
        opened = self._open_ticket(brand, late)
        self._fulfilment("GET", f"/v1/tickets/{opened['id']}", self.token)
        question = {"category": "billing", "message": "Who pays for a lost parcel?"}
        asked = self._open_ticket(self.token, question)
        self.tickets = 2
        answer = {"text": "The carrier does, once the claim is through."}
        path = f"/v1/help-tickets/{asked['id']}"
        self._fulfilment("POST", f"{path}/messages", self.operator_key, answer)
        thread = self._fulfilment("GET", f"/v1/tickets/{asked['id']}", self.token)
        if thread["messages"][-1]["text"] != answer["text"]:
            raise AssertionError("the operator's answer is not in the ticket")
        self.answered = 1
        return "The brand opens a carrier ticket, the 3PL reads it; its own question is answered"

    def _open_ticket(self, token: str, body: Json) -> Json:
        made = self._fulfilment("POST", "/v1/tickets", token, body)
        return self._fulfilment("POST", f"/v1/tickets/{made['id']}/open", token)

    def _fulfilment(
        self, method: str, path: str, token: str, body: Any = None, **headers: str
    ) -> Json:
        return self.client.call("fulfilment", method, path, token, body, **headers)

    def _shipments(self) -> list[Json]:
        found = self._fulfilment("GET", "/v1/shipments?limit=200", self.token)["data"]
        return [one for one in found if one["status"] != "cancelled"]

    def _with_label(self) -> int:
        return sum(one["status"] == "labelled" for one in self._shipments())

    def _printed(self, ids: list[str]) -> bool:
        asked = "&".join(f"shipment_id={id_}" for id_ in ids)
        url = f"{self.client.urls['fulfilment']}/v1/shipments/labels.pdf?{asked}"
        headers = {"authorization": f"Bearer {self.token}"}
        answer = httpx.get(url, headers=headers, trust_env=False)
        return answer.is_success and answer.content.count(b"/Type /Page\n") >= len(ids)

    def _balances(self, token: str) -> list[Decimal]:
        found = self._fulfilment("GET", "/v1/ledger/balances", token)["data"]
        return sorted(Decimal(one["posted"]) for one in found)
