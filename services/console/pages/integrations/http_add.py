"""Add Brand: the form, and the link that comes of it."""

from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.problem import ApiProblem
from services.console.dependencies import Form, Person, language_for
from services.console.http_pages import page
from services.console.pages.brands.http import show_link
from services.console.pages.integrations import brand_form
from services.console.pages.integrations.countries import countries
from services.console.rendering.errors import NONE, Errors, errors_of

router = APIRouter(include_in_schema=False)


def form_page(
    request: Request, typed: Any, key: str, errors: Errors = NONE, status: int = 200
) -> Response:
    """The form, empty or as it was sent."""
    return page(
        request,
        "integrations/add.html",
        status=status,
        errors=errors,
        typed=typed,
        key=key,
        countries=countries(language_for(request)),
        ranges=brand_form.RANGES,
        platforms=brand_form.PLATFORMS,
    )


@router.get("/integrations/add")
async def show_form(request: Request, me: Person) -> Response:
    """An empty one."""
    return form_page(request, brand_form.blank(language_for(request)), str(uuid4()))


@router.post("/integrations/add")
async def add_brand(request: Request, me: Person, form: Form) -> Response:
    """The link is in this answer and nowhere else."""
    typed = brand_form.typed(form, form.every("priorities"))
    body = brand_form.body_of(typed, is_new=True)
    try:
        added = await me.send("connections", "POST", "/v1/brands", body, key=form["key"])
    except ApiProblem as problem:
        # Changed words are another request: it gets a key of its own.
        return form_page(request, typed, str(uuid4()), errors_of(problem), problem.status)
    return await show_link(request, me, added["id"], added["login_link"], is_new=True)
