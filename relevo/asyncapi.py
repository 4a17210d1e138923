"""AsyncAPI 3.0 of the topics, made from `shared.contracts`.

FastStream can write one too, but it would show bytes: batches are read record by record
(`shared.bus`), behind its back. Specification: https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from dataclasses import dataclass, fields
from inspect import getdoc
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shared.bus import DELETE_RETENTION_MS, cloud_event_headers
from shared.contracts import (
    CONNECTIONS_CHANGED,
    ORDERS_EVENTS,
    ORDERS_RECEIVED,
    STORES_CHANGED,
    ConnectionChanged,
    OrderEvent,
    OrderEventAttributes,
    OrderReceived,
    StoreChanged,
    Topic,
)

_Json = dict[str, Any]
_REF = "#/components/schemas/{model}"


@dataclass(frozen=True)
class _Channel:
    topic: Topic
    model: type[BaseModel]
    key: str
    sender: str
    receivers: tuple[str, ...]
    headers: _Json


def _common_headers() -> _Json:
    example = cloud_event_headers("type", "source", "subject", "00-0-0-01")
    return _headers(set(example), optional={"traceparent"})


def _event_headers() -> _Json:
    """Of `orders.events`; the optional ones are those that absent attributes leave out."""
    some = UUID(int=1)
    given: _Json = {each.name: some for each in fields(OrderEventAttributes)}
    given |= {"type": "order.created", "sequence": 1}
    left_out = {"three_pl_id": None, "connection_id": None, "endpoint_id": None}
    every = set(OrderEventAttributes(**given).headers())
    always = set(OrderEventAttributes(**{**given, **left_out}).headers())
    return _headers(every | {"traceparent"}, optional=(every - always) | {"traceparent"})


def _headers(names: set[str], optional: set[str]) -> _Json:
    return {
        "type": "object",
        "properties": {name: {"type": "string"} for name in sorted(names)},
        "required": sorted(names - optional),
    }


def _channels() -> tuple[_Channel, ...]:
    common = _common_headers()
    return (
        _Channel(
            ORDERS_RECEIVED,
            OrderReceived,
            "{store_id}:{external_id}",
            "ingest",
            ("routing",),
            common,
        ),
        _Channel(
            ORDERS_EVENTS,
            OrderEvent,
            "order id",
            "routing",
            ("webhooks",),
            _event_headers(),
        ),
        _Channel(
            CONNECTIONS_CHANGED,
            ConnectionChanged,
            "connection id",
            "connections",
            ("routing", "webhooks"),
            common,
        ),
        _Channel(STORES_CHANGED, StoreChanged, "store id", "connections", ("ingest",), common),
    )


def document() -> _Json:
    """The whole document, ready for `json.dumps`."""
    channels = _channels()
    _, schemas = models_json_schema(
        [(each.model, "validation") for each in channels], ref_template=_REF
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Relevo topics",
            "version": "1.0.0",
            "description": (
                "CloudEvents 1.0 in Kafka binary mode: the value is the JSON body alone, the "
                "context attributes are `ce_` headers. Contracts change only by adding; readers "
                "ignore what they do not know."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": dict(_channel(each) for each in channels) | dict(map(_dead_letters, channels)),
        "operations": dict(pair for each in channels for pair in _operations(each)),
        "components": {
            "messages": {each.model.__name__: _message(each) for each in channels},
            "schemas": schemas["$defs"],
        },
    }


def _name(topic: Topic) -> str:
    """`orders.received` → `ordersReceived`: AsyncAPI's identifiers have no dots."""
    first, *rest = topic.name.split(".")
    return first + "".join(part.capitalize() for part in rest)


def _message(channel: _Channel) -> _Json:
    return {
        "name": channel.topic.event_type,
        "contentType": "application/json",
        "headers": channel.headers,
        "payload": {"$ref": _REF.format(model=channel.model.__name__)},
        "bindings": {"kafka": {"key": {"type": "string", "description": channel.key}}},
    }


def _channel(channel: _Channel) -> tuple[str, _Json]:
    keeps: _Json = (
        {"cleanup.policy": ["compact"]}
        if channel.topic.compacted
        else {"cleanup.policy": ["delete"], "retention.ms": DELETE_RETENTION_MS}
    )
    message = channel.model.__name__
    return _name(channel.topic), {
        "address": channel.topic.name,
        "description": getdoc(channel.model),
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
        "bindings": {"kafka": {"topicConfiguration": keeps}},
    }


def _dead_letters(channel: _Channel) -> tuple[str, _Json]:
    return f"{_name(channel.topic)}DeadLetters", {
        "address": channel.topic.dead_letters,
        "description": (
            f"Records of `{channel.topic.name}` that could not be read or handled: key, value and "
            "headers as they came, plus the headers `dead_letter_reason`, `dead_letter_topic`, "
            "`dead_letter_partition`, `dead_letter_offset` and `dead_letter_time`."
        ),
        "messages": {},
        "bindings": {
            "kafka": {
                "topicConfiguration": {
                    "cleanup.policy": ["delete"],
                    "retention.ms": DELETE_RETENTION_MS,
                }
            }
        },
    }


def _operations(channel: _Channel) -> list[tuple[str, _Json]]:
    name = _name(channel.topic)
    reference = {"$ref": f"#/channels/{name}"}
    title = name[0].upper() + name[1:]
    return [
        (f"{channel.sender}Sends{title}", {"action": "send", "channel": reference}),
        *(
            (f"{reader}Receives{title}", {"action": "receive", "channel": reference})
            for reader in channel.receivers
        ),
    ]
