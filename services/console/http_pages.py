"""Pages as answers: rendered for who asks, with what the last form has to say."""

from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.console.browser.signed_in import SignedIn
from services.console.dependencies import Dependencies, language_for
from services.console.rendering import errors, templates

_SEE_OTHER = 303
_SAID_SECONDS = 60


def page(
    request: Request, template: str, *, status: int = 200, block: str = "", **values: Any
) -> HTMLResponse:
    """A page, or a block of it for a script that puts it into the page that is there.

    Args:
        request: who asks, and in which language.
        template: `<screen>/<page>.html`.
        status: of HTTP.
        block: of the template, alone.
        values: what the page is about.
    """
    process: Dependencies = request.app.state.dependencies
    signed_in: SignedIn | None = getattr(request.state, "signed_in", None)
    shown = {
        "path": request.url.path,
        "query": request.url.query,
        "me": signed_in,
        "errors": errors.NONE,
        "is_exposed": process.settings.is_exposed,
        "said": request.cookies.get(process.cookies.said, ""),
        **values,
    }
    html = templates.render(template, language_for(request), shown, block)
    answer = HTMLResponse(html, status_code=status)
    if shown["said"] and not block:
        answer.delete_cookie(process.cookies.said, secure=process.settings.is_https, httponly=True)
    return answer


def go_to(request: Request, path: str, said: str = "", **query: Any) -> Response:
    """To another page after a form (RFC 9110, 15.4.4), which says what was done.

    Args:
        request: what was answered.
        path: of the console.
        said: a code of `parts/said.html`.
        query: of the address.
    """
    process: Dependencies = request.app.state.dependencies
    target = f"{path}?{urlencode(query, doseq=True)}" if query else path
    answer = RedirectResponse(target, status_code=_SEE_OTHER)
    if said:
        answer.set_cookie(
            process.cookies.said,
            said,
            max_age=_SAID_SECONDS,
            httponly=True,
            samesite="lax",
            secure=process.settings.is_https,
        )
    return answer


def keep(process: Dependencies, response: Response, name: str, value: str, seconds: int) -> None:
    """A cookie for this host alone, which no script sees and no other site's form carries."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="lax",
        secure=process.settings.is_https,
    )


def local_path(path: str, otherwise: str = "/") -> str:
    """Where to go next, if it is a page of ours: no address that leads away."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_ours else otherwise
