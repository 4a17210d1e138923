"""What the API shows of a shipment."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.fulfilment.shipments.shipment import (
    ChosenBy,
    Consignee,
    LabelState,
    Parcel,
    Shipment,
    Status,
)
from services.fulfilment.shipments.store import Listed
from shared.contracts.connections_changed import Party
from shared.contracts.shipments_events import ShipmentLine
from shared.rules.shipping_rules import Shipping


class ChosenRule(BaseModel):
    """The shipping rule that chose the carrier, in that version of the rules."""

    version: int
    number: int | None = Field(description="Its place, from 1; null: the fallback chose.")
    name: str | None


class ShipmentSummary(BaseModel):
    """A shipment in a list; `version` is what the next command has to carry.

    `chosen_by`: a `rule`, the `fallback`, a `person`; `needs_carrier`: none fits; `no_rules`: it is
    shipped by a system of the owner's own. `is_outdated`: the store has changed the order since
    the label or the split; look at the order before it leaves.
    """

    id: UUID
    order_id: UUID
    external_id: str
    number: str | None
    status: Status
    worked_by: Party
    rules_of: Party
    version: int
    chosen_by: ChosenBy
    chosen_rule: ChosenRule | None
    shipping: Shipping | None
    lines: list[ShipmentLine]
    item_count: int
    weight_grams: int | None
    parcels: list[Parcel]
    is_outdated: bool
    label: LabelState | None
    created_at: datetime
    shipped_at: datetime | None
    delivered_at: datetime | None
    cancelled_at: datetime | None
    cancelled_because: Literal["moved_back", "cancelled"] | None


class ShipmentDetail(ShipmentSummary):
    """One shipment with what a packer needs; null where the brand's data was erased."""

    consignee: Consignee | None


def summary_of(listed: Listed) -> ShipmentSummary:
    """A shipment in a list."""
    return ShipmentSummary.model_validate(_named(listed), from_attributes=True)


def detail_of(listed: Listed) -> ShipmentDetail:
    """One shipment."""
    named = {**_named(listed), "consignee": listed.shipment.consignee}
    return ShipmentDetail.model_validate(named, from_attributes=True)


def _named(listed: Listed) -> dict[str, object]:
    one = listed.shipment
    names = ShipmentSummary.model_fields.keys() - {
        "external_id", "number", "worked_by", "rules_of", "chosen_rule",
    }  # fmt: skip
    return {
        **{name: getattr(one, name) for name in names},
        "external_id": listed.external_id,
        "number": listed.number,
        "worked_by": "brand" if one.connection_id is None else "three_pl",
        "rules_of": "brand" if one.rules_of == one.brand_id else "three_pl",
        "chosen_rule": _rule(one),
    }


def _rule(one: Shipment) -> ChosenRule | None:
    if one.rules_version is None:
        return None
    number, name = (one.rule.number, one.rule.name) if one.rule else (None, None)
    return ChosenRule(version=one.rules_version, number=number, name=name)
