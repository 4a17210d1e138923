"""The newest rules for shipments that wait: looked at first, then applied, page after page."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.dependencies import Form, Person
from services.console.http_pages import page

router = APIRouter(include_in_schema=False, prefix="/shipping-rules")


@router.post("/reapply")
async def reapply(request: Request, me: Person, form: Form) -> Response:
    """What the rules would choose for the next shipments, or that they are chosen so now."""
    is_done = form["do"] == "apply"
    body = {"preview": not is_done, "after": form["after"] or None}
    answer = await me.send("fulfilment", "POST", "/v1/shipments/reapply", body)
    return page(
        request, "shipping_rules/reapply.html", answer=answer, is_done=is_done, after=form["after"]
    )
