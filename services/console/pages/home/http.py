"""The first page."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.dependencies import Person
from services.console.http_pages import page

router = APIRouter(include_in_schema=False)


@router.get("/")
async def home(request: Request, me: Person) -> Response:
    """What needs its reader now."""
    return page(request, "home/home.html")
