"""AsyncAPI 3.0 of the topics, made from `shared.kafka.topics` and `services.catalog`.

FastStream can write one too, but it would show bytes: batches are read record by record
(`shared.kafka.batch`), behind its back.
Specification: https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from dataclasses import fields
from inspect import getdoc
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from services import catalog
from shared.contracts.orders_events import ORDER_STATE, OrderEventAttributes, OrderState
from shared.kafka.cloudevents import cloud_event_headers
from shared.kafka.topics import DELETE_RETENTION_MS, ORDERS_EVENTS, TOPICS, Topic

_Json = dict[str, Any]
_REF = "#/components/schemas/{model}"


def _headers_of(topic: Topic) -> _Json:
    return _event_headers() if topic is ORDERS_EVENTS else _common_headers()


def _common_headers() -> _Json:
    example = cloud_event_headers("type", "source", "subject", "00-0-0-01")
    return _headers(set(example), optional={"traceparent"})


def _event_headers() -> _Json:
    """Of `orders.events`; the optional ones are those that absent attributes leave out."""
    some = UUID(int=1)
    given: _Json = {attribute.name: some for attribute in fields(OrderEventAttributes)}
    given |= {"type": "order.created", "sequence": 1}
    left_out = dict.fromkeys(("three_pl_id", "connection_id", "endpoint_id", "status"))
    every = set(OrderEventAttributes(**given).headers())
    always = set(OrderEventAttributes(**{**given, **left_out}).headers())
    optional = {"traceparent", ORDER_STATE}
    described = _headers(every | optional, optional=(every - always) | optional)
    described["properties"][ORDER_STATE] |= {
        "description": getdoc(OrderState),
        "contentMediaType": "application/json",
        "contentSchema": {"$ref": _REF.format(model=OrderState.__name__)},
    }
    return described


def _headers(names: set[str], optional: set[str]) -> _Json:
    return {
        "type": "object",
        "properties": {name: {"type": "string"} for name in sorted(names)},
        "required": sorted(names - optional),
    }


def document() -> _Json:
    """The whole document, ready for `json.dumps`."""
    models: list[type[BaseModel]] = [*(topic.contract for topic in TOPICS), OrderState]
    _, schemas = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
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
        "channels": dict(map(_channel, TOPICS)) | dict(map(_dead_letters, TOPICS)),
        "operations": dict(pair for topic in TOPICS for pair in _operations(topic)),
        "components": {
            "messages": {topic.contract.__name__: _message(topic) for topic in TOPICS},
            "schemas": schemas["$defs"],
        },
    }


def _name(topic: Topic) -> str:
    """`orders.received` → `ordersReceived`: AsyncAPI's identifiers have no dots."""
    first, *rest = topic.name.split(".")
    return first + "".join(part.capitalize() for part in rest)


def _message(topic: Topic) -> _Json:
    return {
        "name": topic.event_type,
        "contentType": "application/json",
        "headers": _headers_of(topic),
        "payload": {"$ref": _REF.format(model=topic.contract.__name__)},
        "bindings": {"kafka": {"key": {"type": "string", "description": topic.key}}},
    }


def _channel(topic: Topic) -> tuple[str, _Json]:
    keeps: _Json = (
        {"cleanup.policy": ["compact"]}
        if topic.compacted
        else {"cleanup.policy": ["delete"], "retention.ms": DELETE_RETENTION_MS}
    )
    message = topic.contract.__name__
    return _name(topic), {
        "address": topic.name,
        "description": getdoc(topic.contract),
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
        "bindings": {"kafka": {"topicConfiguration": keeps}},
    }


def _dead_letters(topic: Topic) -> tuple[str, _Json]:
    return f"{_name(topic)}DeadLetters", {
        "address": topic.dead_letters,
        "description": (
            f"Records of `{topic.name}` that could not be read or handled: key, value and "
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


def _operations(topic: Topic) -> list[tuple[str, _Json]]:
    name = _name(topic)
    reference = {"$ref": f"#/channels/{name}"}
    title = name[0].upper() + name[1:]
    senders = [service.name for service in catalog.SERVICES if topic.name in service.writes]
    readers = [
        service.name
        for service in catalog.SERVICES
        if topic.name in service.reads or (service.has_api and topic.name in catalog.READ_BY_ALL)
    ]
    return [
        *(
            (f"{sender}Sends{title}", {"action": "send", "channel": reference})
            for sender in senders
        ),
        *(
            (f"{reader}Receives{title}", {"action": "receive", "channel": reference})
            for reader in readers
        ),
    ]
