"""What the pages need of their process and of the browser: FastAPI dependencies."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request

from services.console.api.client import Apis, Caller
from services.console.browser.as_operator import AsOperator, KeyNeeded
from services.console.browser.cookies import CookieNames
from services.console.browser.operators import Operators
from services.console.browser.sessions import SessionOver, Sessions
from services.console.browser.signed_in import SignedIn
from services.console.settings import Settings
from services.console.views.views import Views
from services.console.words.languages import Language, language_of
from shared.sealing import Sealer
from shared.telemetry import traceparent_of
from shared.web.access import Access
from shared.web.networks import address_of

_MOST_FIELDS = 2_000
_READING = ("GET", "HEAD")
# What is sent there is a file: its page reads it as it comes, and nothing else does.
UPLOADS = re.compile(r"/tickets/[^/]+/attachments")


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The parts of one process of the console."""

    settings: Settings
    apis: Apis
    sessions: Sessions
    operators: Operators
    sealer: Sealer
    cookies: CookieNames
    views: Views


async def _dependencies_of(request: Request) -> Dependencies:
    found: Dependencies = request.app.state.dependencies
    return found


Process = Annotated[Dependencies, Depends(_dependencies_of)]


class Fields(Mapping[str, str]):
    """What a form was filled in with; a field that is not there, or only blank, is empty."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.pairs = pairs
        self._first: dict[str, str] = {}
        for name, value in pairs:
            self._first.setdefault(name, value.strip())

    def __getitem__(self, name: str) -> str:
        return self._first.get(name, "")

    def __contains__(self, name: object) -> bool:
        return name in self._first

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def __len__(self) -> int:
        return len(self._first)

    def every(self, name: str) -> list[str]:
        """All values of a field that may be there several times."""
        return [value for named, value in self.pairs if named == name]


async def form_of(request: Request) -> Fields:
    """The form of a request, read once."""
    known: Fields | None = getattr(request.state, "form", None)
    if known is None:
        body = (await request.body()).decode(errors="replace")
        pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        known = request.state.form = Fields(pairs)
    return known


Form = Annotated[Fields, Depends(form_of)]


def language_for(request: Request) -> Language:
    """The language of a page: what its reader chose, or their browser accepts."""
    cookies: CookieNames = request.app.state.dependencies.cookies
    chosen = request.cookies.get(cookies.language, "")
    return language_of(chosen, request.headers.get("accept-language", ""))


def caller_of(request: Request) -> Caller:
    """What the services are to see of the browser."""
    traceparent = traceparent_of(request.headers)
    return Caller(
        address=address_of(request),
        agent=request.headers.get("user-agent", ""),
        language=language_for(request),
        headers={"traceparent": traceparent} if traceparent else {},
    )


class Visitor(Access):
    """Anyone at a browser."""

    async def __call__(self, request: Request) -> Caller:
        """Let them in; what the services are to see of them."""
        return caller_of(request)


class Member(Access):
    """Somebody who is logged in."""

    async def __call__(self, request: Request) -> SignedIn:
        """Find the session.

        Raises:
            SessionOver: log in; what was sent is kept (`http_errors`).
        """
        if request.method not in _READING and not UPLOADS.fullmatch(request.url.path):
            await form_of(request)
        process: Dependencies = request.app.state.dependencies
        cookie = request.cookies.get(process.cookies.session, "")
        found = await process.sessions.find(cookie)
        signed_in = SignedIn(cookie, found, caller_of(request), process.apis, process.sessions)
        request.state.signed_in = signed_in
        return signed_in


class MaybeMember(Access):
    """Anyone; who is logged in is known."""

    async def __call__(self, request: Request) -> SignedIn | None:
        """Find the session, if there is one."""
        try:
            return await member(request)
        except SessionOver:
            return None


class OperatorOnly(Access):
    """Whoever has shown the operator key to this browser."""

    async def __call__(self, request: Request) -> AsOperator:
        """Find the session.

        Raises:
            KeyNeeded: show the key.
        """
        process: Dependencies = request.app.state.dependencies
        try:
            cookie = request.cookies.get(process.cookies.operator, "")
            found = await process.operators.find(cookie)
        except SessionOver as error:
            raise KeyNeeded from error
        return AsOperator(found, caller_of(request), process.apis)


visitor, member, maybe_member = Visitor(), Member(), MaybeMember()
operator_only = OperatorOnly()
Anyone = Annotated[Caller, Depends(visitor)]
Person = Annotated[SignedIn, Depends(member)]
MaybePerson = Annotated[SignedIn | None, Depends(maybe_member)]
TheOperator = Annotated[AsOperator, Depends(operator_only)]
