"""The wire contracts against golden files: what was ever written stays readable.

`golden/<name>.<n>.json` is one message as it stands on the log. A contract that grows gets a file
with the next number; older files are never changed, and never removed while such messages may
still be on a log.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from services.ingest import order_in
from services.ingest.order_in import OrderIn
from services.routing.received import read_order
from shared.contracts.accounts_changed import AccountChanged
from shared.contracts.connections_changed import ConnectionChanged
from shared.contracts.fields import WireContract
from shared.contracts.notices import CarrierLetter, NoticeRaised
from shared.contracts.orders_events import OrderEvent, OrderEventAttributes, OrderState
from shared.contracts.orders_received import OrderReceived
from shared.contracts.shipments_events import ShipmentsChanged
from shared.contracts.signing_keys_changed import SigningKeysChanged
from shared.contracts.stores_changed import StoreChanged
from shared.kafka.batch import Record

GOLDEN = Path(__file__).parent / "golden"
CONTRACTS: dict[str, type[WireContract]] = {
    "order_received": OrderReceived,
    "order_received_delete": OrderReceived,
    "connection_changed": ConnectionChanged,
    "store_changed": StoreChanged,
    "account_changed": AccountChanged,
    "signing_keys_changed": SigningKeysChanged,
    "order_event": OrderEvent,
    "order_state": OrderState,
    "shipments_changed": ShipmentsChanged,
    "notice_endpoint_disabled": NoticeRaised,
    "notice_deliveries_exhausted": NoticeRaised,
    "notice_orders_quarantined": NoticeRaised,
    "notice_orders_handed_back": NoticeRaised,
    "notice_ticket_answered": NoticeRaised,
    "notice_carrier_mail": NoticeRaised,
    "carrier_letter": CarrierLetter,
}


def _versions(name: str) -> list[Path]:
    return sorted(GOLDEN.glob(f"{name}.*.json"), key=lambda path: int(path.suffixes[0][1:]))


EVERY = [
    pytest.param(model, path, id=path.stem)
    for name, model in CONTRACTS.items()
    for path in _versions(name)
]


def _lost(written: Any, read: Any, where: str = "") -> list[str]:
    """JSON pointers of what was written and is not there, or not the same, when read."""
    if isinstance(written, dict) and isinstance(read, dict):
        return [
            pointer
            for key, value in written.items()
            for pointer in (
                _lost(value, read[key], f"{where}/{key}") if key in read else [f"{where}/{key}"]
            )
        ]
    if isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        return [
            pointer
            for index, (one, other) in enumerate(zip(written, read, strict=True))
            for pointer in _lost(one, other, f"{where}/{index}")
        ]
    return [] if written == read else [where]


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_newest_golden_file_is_what_is_written_today_byte_for_byte(name: str) -> None:
    golden = _versions(name)[-1].read_bytes().rstrip(b"\n")
    assert CONTRACTS[name].model_validate_json(golden).model_dump_json().encode() == golden


@pytest.mark.parametrize(("model", "path"), EVERY)
def test_nothing_of_what_was_ever_written_is_lost(model: type[WireContract], path: Path) -> None:
    written = json.loads(path.read_bytes())
    read = json.loads(model.model_validate(written).model_dump_json())
    assert _lost(written, read) == []


# Objects whose keys are data. A rule with a condition of tomorrow is not read as another rule: the
# connection is, and an order that it would have to decide waits.
_DATA = {"properties", "attributes", "why", "placed_by", "rules"}


def _with_additions(value: Any) -> Any:
    """The same with a field more in every object, but in the ones whose keys are data."""
    if isinstance(value, list):
        return [_with_additions(part) for part in value]
    if isinstance(value, dict):
        kept = {k: v if k in _DATA else _with_additions(v) for k, v in value.items()}
        return {**kept, "invented_later": {"deep": [1, 2]}}
    return value


def test_the_order_reader_ignores_what_a_newer_ingest_added_to_an_order() -> None:
    """Orders refuse unknown fields at the API; on the log they must not."""
    written = json.loads((GOLDEN / "order_received.1.json").read_bytes())
    records = [
        Record("orders.received", 0, 0, "", {}, json.dumps(value).encode(), raw=None)
        for value in (written, _with_additions(written))
    ]
    assert read_order(records[0]) == read_order(records[1])


@pytest.mark.parametrize(("model", "path"), EVERY)
def test_a_reader_of_today_takes_a_message_with_fields_of_tomorrow(
    model: type[WireContract], path: Path
) -> None:
    written = json.loads(path.read_bytes())
    newer = json.dumps(_with_additions(written))
    assert model.model_validate_json(newer) == model.model_validate(written)


def test_the_api_refuses_a_field_that_it_does_not_know_at_every_depth() -> None:
    """A misspelt field would be lost in silence, and goods shipped without it."""
    order = json.loads((GOLDEN / "order_received.1.json").read_bytes())["order"]
    assert order_in.parse(json.dumps(order).encode(), "application/json") == [
        OrderIn.model_validate(order)
    ]
    with pytest.raises(ValidationError) as refused:
        order_in.parse(json.dumps(_with_additions(order)).encode(), "application/json")
    assert {flaw["type"] for flaw in refused.value.errors()} == {"extra_forbidden"}
    places = {".".join(map(str, flaw["loc"])) for flaw in refused.value.errors()}
    assert places == {
        "invented_later",
        "customer.invented_later",
        "shipping_address.invented_later",
        "billing_address.invented_later",
        "lines.0.invented_later",
        "shipping_lines.0.invented_later",
    }


@pytest.mark.parametrize(("model", "path"), EVERY)
def test_a_message_cannot_be_changed_after_it_was_read(
    model: type[WireContract], path: Path
) -> None:
    message = model.model_validate_json(path.read_bytes())
    with pytest.raises(ValidationError, match="frozen"):
        setattr(message, next(iter(model.model_fields)), None)


@pytest.mark.parametrize("name", sorted(CONTRACTS.keys() - {"order_received_delete"}))
def test_the_newest_golden_file_shows_every_field(name: str) -> None:
    """Else a field could vanish and no golden file would miss it."""
    written = json.loads(_versions(name)[-1].read_bytes())
    message = CONTRACTS[name].model_validate(written)
    assert _unset(message) == []


def _unset(message: BaseModel, where: str = "") -> list[str]:
    missing = [
        f"{where}/{field}"
        for field in type(message).model_fields
        if field not in message.model_fields_set
    ]
    for field in type(message).model_fields:
        value = getattr(message, field)
        parts = value if isinstance(value, tuple) else (value,)
        for part in parts:
            if isinstance(part, BaseModel):
                missing += _unset(part, f"{where}/{field}")
    return missing


def test_headers_of_an_order_event_round_trip() -> None:
    for path in _versions("order_event_headers"):
        headers = json.loads(path.read_bytes())
        assert OrderEventAttributes.parse(headers).headers() == headers


@pytest.mark.parametrize(
    "name", ["ce_id", "ce_type", "ce_subject", "ce_sequence", "ce_storeid", "ce_brandid"]
)
def test_a_missing_required_header_is_named(name: str) -> None:
    headers = json.loads(_versions("order_event_headers")[-1].read_bytes())
    del headers[name]
    with pytest.raises(KeyError, match=name):
        OrderEventAttributes.parse(headers)


@pytest.mark.parametrize(("old", "new"), [("store_id", "shop_id"), ("action", "verb")])
def test_a_renamed_field_would_be_noticed(old: str, new: str) -> None:
    renamed = json.loads((GOLDEN / "order_received.1.json").read_bytes())
    renamed[new] = renamed.pop(old)
    with pytest.raises(ValidationError, match=old):
        OrderReceived.model_validate(renamed)
