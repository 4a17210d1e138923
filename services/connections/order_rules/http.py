"""Order rules over HTTP: those of a connection, its versions, and what conditions there are."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from services.connections.connection import transitions
from services.connections.dependencies import Process, TracedCaller
from services.connections.order_rules import changing, store
from services.connections.order_rules.models import RulesVersion
from shared.failures import Refused
from shared.rules.catalogue import ConditionKind, conditions
from shared.rules.order_rules import Action, OrderRule, OrderRules
from shared.web.access import Account
from shared.web.if_match import IfMatch
from shared.web.openapi import refuses
from shared.web.pagination import After, Page, decode_cursor_part, page_of, row_number
from shared.web.parameters import only_known_parameters

router = APIRouter(prefix="/v1", tags=["order rules"], dependencies=[only_known_parameters])
# A version has up to 64 kB.
FewAtOnce = Annotated[int, Query(ge=1, le=20)]


class OrderRulesVersion(BaseModel):
    """One version of the order rules; the first that fits decides, `default` where none does."""

    model_config = ConfigDict(serialize_by_alias=True)

    version: int = Field(description="0: none were ever set; every order is sent.")
    rules: Sequence[OrderRule]
    default: Action
    effective_at: datetime | None = Field(
        description="From then on it counts for orders that enter; null: version 0."
    )
    set_by: UUID | None = Field(
        description="The brand; null: version 0, or it came back from the log after a restore."
    )


class ConnectionOrderRules(OrderRulesVersion):
    """The order rules that count on a connection now."""

    connection_version: int = Field(description="What `If-Match` has to be for a change.")
    applies_to: Literal["orders that enter from now on"] = "orders that enter from now on"


class Conditions(BaseModel):
    """What a rule can ask of an order."""

    data: Sequence[ConditionKind]


@router.get("/rule-conditions", summary="What a rule can ask of an order")
async def list_conditions(_: Account) -> Conditions:
    """Every kind of condition, with the JSON Schema of its fields: enough to build an editor."""
    return Conditions(data=conditions())


@router.get(
    "/connections/{connection_id}/order-rules",
    summary="Which orders the 3PL is sent",
    response_model_exclude_unset=True,
)
async def get_order_rules(
    response: Response, process: Process, caller: Account, connection_id: UUID
) -> ConnectionOrderRules:
    """For both parties of the connection, whose version is also the `ETag`."""
    async with process.database.reading() as session:
        connection = await transitions.visible_connection(session, connection_id, caller.account_id)
        found = await store.get_newest(session, connection_id, caller.account_id)
    response.headers["ETag"] = f'"{connection.version}"'
    return _current(found, connection.version)


@router.put(
    "/connections/{connection_id}/order-rules",
    summary="Change which orders the 3PL is sent",
    response_model_exclude_unset=True,
    openapi_extra=refuses(
        "version_conflict",
        "precondition_required",
        "not_yours_to_set",
        "invalid_transition",
        "order_rules_changed_too_often",
    ),
)
async def change_order_rules(
    response: Response,
    process: Process,
    caller: TracedCaller,
    connection_id: UUID,
    version: IfMatch,
    body: OrderRules,
) -> ConnectionOrderRules:
    """By the brand alone, all of them at once; needs `If-Match` with the connection's version.

    Orders that have entered stay where they are.
    """
    if version is None:
        raise Refused("precondition_required")
    async with process.database.transaction() as session:
        connection, rules = await changing.change_rules(
            session, connection_id, body, caller, version
        )
    response.headers["ETag"] = f'"{connection.version}"'
    return _current(rules, connection.version)


@router.get(
    "/connections/{connection_id}/order-rules/versions",
    summary="Versions of the order rules, newest first",
    response_model_exclude_unset=True,
)
async def list_order_rules_versions(
    process: Process,
    caller: Account,
    connection_id: UUID,
    limit: FewAtOnce = 10,
    after: After = None,
) -> Page[OrderRulesVersion]:
    """Every version that decided on an order."""
    async with process.database.reading() as session:
        await transitions.visible_connection(session, connection_id, caller.account_id)
        rows = await store.list_versions(
            session,
            connection_id,
            caller.account_id,
            decode_cursor_part(after, row_number),
            limit + 1,
        )
    return page_of(rows, limit, _version, lambda row: row.version)


def _version(row: RulesVersion) -> OrderRulesVersion:
    return OrderRulesVersion.model_validate(_fields(row))


def _current(row: RulesVersion, connection_version: int) -> ConnectionOrderRules:
    return ConnectionOrderRules.model_validate(
        {
            **_fields(row),
            "connection_version": connection_version,
            "applies_to": "orders that enter from now on",
        }
    )


def _fields(row: RulesVersion) -> dict[str, object]:
    return {
        "version": row.version,
        "rules": row.rules,
        "default": row.default_action,
        "effective_at": row.effective_at,
        "set_by": row.set_by,
    }
