"""States, holds, commands and reasons of orders in words. Pure."""

from collections.abc import Mapping

from services.console.words.marks import N_

# Each with its tone (templates/parts.html).
STATUSES: Mapping[str, tuple[str, str]] = {
    "open": (N_("open"), "good"),
    "on_hold": (N_("on hold"), "wait"),
    "processing": (N_("processing"), "plain"),
    "cancellation_requested": (N_("cancellation requested"), "bad"),
    "shipped": (N_("shipped"), "plain"),
    "delivered": (N_("delivered"), "plain"),
    "returned": (N_("sent back"), "plain"),
    "cancelled": (N_("cancelled"), "plain"),
}
HOLDS: Mapping[str, str] = {
    "payment": N_("payment"),
    "address": N_("address"),
    "stock": N_("stock"),
    "fraud": N_("fraud check"),
    "customer": N_("customer asked"),
    "other": N_("something else"),
}
COMMANDS: Mapping[str, str] = {
    "process": N_("Start processing"),
    "hold": N_("Put on hold"),
    "release": N_("Lift my holds"),
    "move-back": N_("Move back to Orders"),
    "ship": N_("Mark as shipped"),
    "deliver": N_("Mark as delivered"),
    "return": N_("Mark as sent back"),
    "accept-cancellation": N_("Accept the cancellation"),
    "reject-cancellation": N_("Keep it, do not cancel"),
}
# Nothing leads back from these: they are asked about first.
FINAL = ("ship", "deliver", "return", "accept-cancellation")
REASONS: Mapping[str, str] = {
    "the connection is inactive": N_("The connection was switched off."),
    "the connection is disconnected": N_("The connection was disconnected."),
    "the connection is active": N_("The connection was switched off and on again."),
    "the connection had ended meanwhile": N_("The connection had ended meanwhile."),
    "moved back after the connection had ended": N_(
        "The 3PL moved it back after the connection had ended."
    ),
    "the 3PL's account was erased": N_("The account of the 3PL was erased."),
}
FIELDS: Mapping[str, str] = {
    "shipping_address": N_("where it goes"),
    "billing_address": N_("billing address"),
    "lines": N_("items"),
    "shipping_lines": N_("shipping method"),
    "customer": N_("customer"),
    "email": N_("e-mail"),
    "phone": N_("phone"),
    "note": N_("note"),
    "tags": N_("tags"),
    "total": N_("total"),
    "original_total": N_("total"),
    "financial_status": N_("payment"),
    "payment_methods": N_("payment"),
    "fulfilment_status": N_("what the store has shipped"),
    "discount_codes": N_("discounts"),
    "attributes": N_("further details"),
    "cancelled_at": N_("cancellation"),
    "deleted": N_("deleted"),
}
