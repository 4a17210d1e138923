"""The busiest routes, answered before FastAPI is asked, which only describes them.

What FastAPI adds to a request (routing, exit stacks, dependencies, middlewares) takes as long as
the order in it. Such a route takes the request and what its access gives, nothing else. It has one
way in: FastAPI answers other methods of its path, and whatever is no such route.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from re import Pattern
from typing import cast

from fastapi import APIRouter, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared.web.access import Access
from shared.web.problems import answer

Answer = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class PlainRoute:
    """A path, and who answers its POSTs."""

    path: Pattern[str]
    answer: Answer


def plain(router: APIRouter, endpoint: Callable[..., Awaitable[Response]]) -> PlainRoute:
    """The POST route that FastAPI knows as `endpoint`, without FastAPI.

    Raises:
        ValueError: it takes more than the request and what one access gives.
    """
    (route,) = (
        one for one in router.routes if isinstance(one, APIRoute) and one.endpoint is endpoint
    )
    takes = route.dependant
    guard = takes.dependencies[0] if len(takes.dependencies) == 1 else None
    if (
        route.methods != {"POST"}
        or guard is None
        or not isinstance(guard.call, Access)
        or guard.dependencies
        or _reads_more(takes)
        or _reads_more(guard)
    ):
        raise ValueError(f"{route.path}: FastAPI is needed for what it takes")
    name = cast("str", guard.name)
    let_in = cast("Callable[[Request], Awaitable[object]]", guard.call)

    async def answer_plainly(request: Request) -> Response:
        return await endpoint(request, **{name: await let_in(request)})

    return PlainRoute(route.path_regex, answer_plainly)


def _reads_more(takes: Dependant) -> bool:
    """Whether FastAPI would read anything of a request for it."""
    return any(
        (
            *(takes.path_params, takes.query_params, takes.header_params),
            *(takes.cookie_params, takes.body_params),
        )
    )


class PlainFirst(FastAPI):
    """FastAPI, behind its plain routes: not even its middlewares cost them anything."""

    plain_routes: tuple[PlainRoute, ...] = ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let FastAPI answer."""
        if scope["type"] == "http" and scope["method"] == "POST":
            for route in self.plain_routes:
                found = route.path.match(scope["path"])
                if found is not None:
                    scope["app"], scope["path_params"] = self, found.groupdict()
                    response = await _answered(route.answer, Request(scope, receive, send))
                    await response(scope, receive, send)
                    return
        await super().__call__(scope, receive, send)


async def _answered(route: Answer, request: Request) -> Response:
    try:
        return await route(request)
    except Exception as error:  # noqa: BLE001  whatever it is: it is logged, and answered
        return await answer(request, error)
