"""The list as a file: what the API streams, passed on as it comes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from services.console.dependencies import Person
from services.console.pages.orders import filters

router = APIRouter(include_in_schema=False, prefix="/orders")
_PASSED_ON = ("content-type", "content-disposition")


@router.get("/export")
async def export_orders(request: Request, me: Person) -> Response:
    """Exactly what the list shows, and all of it."""
    pairs = request.query_params.multi_items()
    asked, _ = filters.read([pair for pair in pairs if pair[0] != "format"])
    file_format = request.query_params.get("format", "csv")
    more = {"bom": "true"} if file_format == "csv" else {}
    params = asked.params(format=file_format, **more)
    async with AsyncExitStack() as stack:
        token = await me.token()
        answer = await stack.enter_async_context(
            me.stream("routing", "/v1/orders/export", params, token)
        )
        passed_on = {name: answer.headers[name] for name in _PASSED_ON}
        kept = stack.pop_all()

    async def body() -> AsyncIterator[bytes]:
        async with kept:
            async for chunk in answer.aiter_bytes():
                yield chunk

    return StreamingResponse(body(), headers=passed_on)
