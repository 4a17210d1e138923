"""What a test order says. Pure."""

from datetime import datetime
from uuid import UUID

from services.ingest.platforms import PlatformOrder
from shared.contracts.order import Address, Customer, LineItem, Order, ShippingLine

_BUYER = "Test Buyer"
_ADDRESS = Address(
    name=_BUYER,
    address1="Calle de la Prueba 1",
    city="Madrid",
    zip="28013",
    country="Spain",
    country_code="ES",
)
_LINES = (
    LineItem(sku="TEST-MUG", title="Test mug", quantity=2, price="12.50", grams=400),
    LineItem(sku="TEST-SHIRT", title="Test T-shirt", quantity=1, price="19.90", grams=180),
)


def external_id_of(test_id: UUID) -> str:
    """What the store's own orders are never called."""
    return f"relevo-test-{test_id}"


def made(test_id: UUID, number: int, made_at: datetime) -> PlatformOrder:
    """The order as it enters: paid, with lines to be packed."""
    return _upsert(_order(test_id, number, made_at, None))


def cancelled(test_id: UUID, number: int, made_at: datetime, at: datetime) -> PlatformOrder:
    """The same, cancelled at that time: said twice it is one message."""
    return _upsert(_order(test_id, number, made_at, at))


def never_made(test_id: UUID, at: datetime) -> PlatformOrder:
    """Ends one that may have been accepted, and leaves no trace of one that was not."""
    return PlatformOrder("delete", external_id_of(test_id), at, None)


def _upsert(order: Order) -> PlatformOrder:
    return PlatformOrder("upsert", order.external_id, order.updated_at, order)


def _order(test_id: UUID, number: int, made_at: datetime, cancelled_at: datetime | None) -> Order:
    return Order(
        external_id=external_id_of(test_id),
        number=f"TEST-{number}",
        created_at=made_at,
        updated_at=cancelled_at or made_at,
        cancelled_at=cancelled_at,
        currency="EUR",
        total="49.80",
        original_total="49.80",
        email="test.buyer@example.com",
        customer=Customer(name=_BUYER, email="test.buyer@example.com"),
        shipping_address=_ADDRESS,
        billing_address=_ADDRESS,
        lines=_LINES,
        shipping_lines=(ShippingLine(title="Standard", code="standard", price="4.90"),),
        tags=("test",),
        note="A test order of Relevo: do not ship it.",
        financial_status="paid",
        weight_grams=980,
        test=True,
    )
