"""Somebody who is logged in, and the APIs as they may use them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID

import httpx

from services.console.api.client import Answer, Apis, Caller
from services.console.api.problem import ApiProblem
from services.console.browser.models import Account, Acting, Tokens
from services.console.browser.sessions import BrowserSession, SessionOver, Sessions

_UNAUTHORIZED = 401


class ActingOver(Exception):  # noqa: N818  says what it is
    """Nobody acts in the brand's name any more: the time is up, or the connection has changed."""


class SignedIn:
    """A person at a browser.

    Args:
        cookie: what the browser keeps.
        session: found by it.
        caller: what the services see of the browser.
        apis: the services.
        sessions: where the session is kept.
    """

    def __init__(
        self, cookie: str, session: BrowserSession, caller: Caller, apis: Apis, sessions: Sessions
    ) -> None:
        self._cookie = cookie
        self._session = session
        self._caller = caller
        self._apis = apis
        self._sessions = sessions

    @property
    def email(self) -> str:
        """Whose session it is."""
        return self._session.kept.tokens.email

    @property
    def person_id(self) -> UUID:
        """The same by id: addresses change."""
        return self._session.kept.tokens.person_id

    @property
    def account(self) -> Account:
        """The account that the person works in."""
        return self._session.kept.tokens.account

    @property
    def accounts(self) -> tuple[Account, ...]:
        """All that the person could work in."""
        return self._session.kept.tokens.accounts

    @property
    def acting(self) -> Acting | None:
        """In whose name a 3PL acts now."""
        return self._session.kept.acting

    @property
    def is_brand(self) -> bool:
        """Whether the screens are a brand's, its own or in its name."""
        return self.acting is not None or self.account.kind == "brand"

    @property
    def may_write(self) -> bool:
        """Whether there is any point in offering a button; the API decides."""
        return self.account.role != "viewer"

    async def get(self, service: str, path: str, /, **params: Any) -> Any:
        """What a GET answers.

        Raises:
            ApiProblem, ApiAway, SessionOver, ActingOver.
        """
        return (await self.call(service, "GET", path, params=params)).body

    async def send(
        self,
        service: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        version: object = None,
        key: str = "",
        as_oneself: bool = False,
    ) -> Any:
        """What a request that changes something answers.

        Args:
            service: which API.
            method: of HTTP.
            path: with its ids.
            body: as JSON.
            version: what it was made to (`If-Match`).
            key: of idempotence: the same form sent twice is one.
            as_oneself: not in the name of a brand, although the person acts in one.

        Raises:
            ApiProblem, ApiAway, SessionOver, ActingOver.
        """
        headers = {"if-match": f'"{version}"'} if version not in (None, "") else {}
        if key:
            headers["idempotency-key"] = key
        answer = await self.call(
            service, method, path, body=body, headers=headers, as_oneself=as_oneself
        )
        return answer.body

    async def call(
        self,
        service: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        as_oneself: bool = False,
    ) -> Answer:
        """A call with the person's token; one that was refused is renewed once.

        Raises:
            ApiProblem, ApiAway: as the API answers.
            SessionOver: the session is.
            ActingOver: acting in somebody's name is.
        """
        acts = self.acting is not None and not as_oneself
        for attempt in (1, 2):
            try:
                return await self._apis.call(
                    service,
                    method,
                    path,
                    self._caller,
                    token=await self.token(as_oneself=as_oneself),
                    params=params,
                    body=body,
                    form=form,
                    headers=headers,
                )
            except ApiProblem as problem:
                if problem.status != _UNAUTHORIZED or problem.code != "invalid_token":
                    raise
                await self._refused(acts=acts, is_last=attempt == 2)  # noqa: PLR2004  the second
        raise SessionOver

    async def upload(
        self, service: str, path: str, params: Mapping[str, Any], content: AsyncIterator[bytes]
    ) -> Any:
        """What a POST of bytes answers; they come once, so it is not tried again.

        Raises:
            ApiProblem, ApiAway, SessionOver.
        """
        answer = await self._apis.call(
            service,
            "POST",
            path,
            self._caller,
            token=await self.token(),
            params=params,
            content=content,
        )
        return answer.body

    def stream(
        self, service: str, path: str, params: Mapping[str, Any], token: str,
        headers: Mapping[str, str] | None = None,
    ) -> AbstractAsyncContextManager[httpx.Response]:  # fmt: skip
        """A GET that is read as it comes."""
        return self._apis.stream(service, path, self._caller, token, params, headers)

    async def token(self, *, as_oneself: bool = False) -> str:
        """An access token that lasts for a call.

        Raises:
            SessionOver, ApiAway.
        """
        if self.acting is not None and not as_oneself:
            return self.acting.access_token
        self._session = await self._sessions.fresh(self._cookie, self._session, self._caller)
        return self._session.kept.tokens.access_token

    async def _refused(self, *, acts: bool, is_last: bool) -> None:
        if acts:
            self._session = await self._sessions.act(self._session, None)
            raise ActingOver
        if is_last:
            await self._sessions.forget(self._session)
            raise SessionOver
        self._session = await self._sessions.renewed(self._cookie, self._session, self._caller)

    async def act(self, acting: Acting | None) -> None:
        """Act in somebody's name from now on, or no more."""
        self._session = await self._sessions.act(self._session, acting)

    async def adopt(self, tokens: Tokens) -> None:
        """Go on with other tokens: of another account, say."""
        self._session = await self._sessions.keep(self._session, tokens=tokens, acting=None)

    async def log_out(self) -> None:
        """End the session, here and at the API.

        Raises:
            ApiAway: it is over here, and the API did not answer.
            SessionOver: it was over already.
        """
        try:
            # The API takes it from a token that is good, and this one may have ended by itself.
            await self.token(as_oneself=True)
        finally:
            await self._sessions.end(self._session, self._caller)
