"""What an order's payment says about working it. Pure.

The words are those that platforms use in `financial_status`. A missing or unknown one never holds.
"""

from shared.contracts.order import Order
from shared.contracts.stores_changed import PaymentRules

UNPAID = frozenset({"pending", "partially_paid", "expired"})
# Nothing is left to be paid for: counts as the store's cancellation until the goods have gone.
VOID = frozenset({"voided", "refunded"})


def is_unpaid(order: Order, rules: PaymentRules) -> bool:
    """Whether the order has to wait for its payment, by the rules of its store."""
    if not rules.hold_unpaid or order.financial_status not in UNPAID:
        return False
    ships_unpaid = {method.casefold() for method in rules.ship_unpaid_methods}
    return ships_unpaid.isdisjoint(method.casefold() for method in order.payment_methods)


def is_void(order: Order) -> bool:
    """Whether the payment was voided, or refunded to nothing."""
    return order.financial_status in VOID
