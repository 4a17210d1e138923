"""The list as a file: what the API streams, passed on as it comes."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.dependencies import Person
from services.console.http_files import passed_on
from services.console.pages.orders import filters

router = APIRouter(include_in_schema=False, prefix="/orders")


@router.get("/export")
async def export_orders(request: Request, me: Person) -> Response:
    """Exactly what the list shows, and all of it."""
    pairs = request.query_params.multi_items()
    asked, _ = filters.read([pair for pair in pairs if pair[0] != "format"])
    file_format = request.query_params.get("format", "csv")
    more = {"bom": "true"} if file_format == "csv" else {}
    params = asked.params(format=file_format, **more)
    return await passed_on(me, "routing", "/v1/orders/export", **params)
