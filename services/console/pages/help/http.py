"""Help."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.dependencies import MaybePerson
from services.console.http_pages import page

router = APIRouter(include_in_schema=False, prefix="/help")


@router.get("")
async def show_help(request: Request, _: MaybePerson) -> Response:
    """The articles, for anyone."""
    return page(request, "help/help.html")


@router.get("/connect-your-client")
async def for_three_pls(request: Request, _: MaybePerson) -> Response:
    """Connect your 3PL to your client's store."""
    return page(request, "help/three_pl.html")


@router.get("/connect-your-3pl")
async def for_brands(request: Request, _: MaybePerson) -> Response:
    """Connect your store to your 3PL."""
    return page(request, "help/brand.html")
