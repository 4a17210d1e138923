"""The platform's price lists, by the operator key."""

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.browser.as_operator import AsOperator
from services.console.dependencies import Form, TheOperator
from services.console.pages.money.http_desk import Desk
from services.console.pages.operator.names import names_of_accounts
from shared.ids import OPERATOR_ACCOUNT

router = APIRouter(include_in_schema=False, prefix="/operator/prices")


def _desk(me: AsOperator) -> Desk:
    return Desk(
        me,
        "/operator/prices",
        str(OPERATOR_ACCOUNT),
        may_set=True,
        names=lambda: names_of_accounts(me),
        is_operator=True,
    )


@router.get("")
async def show_lists(request: Request, me: TheOperator, after: str = "") -> Response:
    """Newest first."""
    return await _desk(me).show_lists(request, after)


@router.get("/new")
async def show_new(request: Request, me: TheOperator) -> Response:
    """For one account, or for all that have none of their own."""
    return await _desk(me).show_new(request)


@router.post("/new")
async def make_list(request: Request, me: TheOperator, form: Form) -> Response:
    """A row more or less in the form, or the list."""
    return await _desk(me).make(request, form)


@router.get("/{list_id}")
async def show_list(request: Request, me: TheOperator, list_id: UUID, after: str = "") -> Response:
    """With its versions."""
    return await _desk(me).show_list(request, list_id, after)


@router.post("/{list_id}")
async def change_list(request: Request, me: TheOperator, form: Form, list_id: UUID) -> Response:
    """A row more or less, what it would have come to, or a new version."""
    return await _desk(me).change(request, form, list_id)
