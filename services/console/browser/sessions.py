"""Sessions of browsers: begun by a log-in, renewed when a token ends, over when the API says so.

The browser keeps 256 random bits; the tokens stay here, sealed.
"""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4
from weakref import WeakValueDictionary

import structlog

from services.console.api.client import Apis, Caller
from services.console.api.problem import ApiProblem
from services.console.browser import store
from services.console.browser.models import Acting, Kept, Tokens
from services.console.browser.store import StoredSession
from shared.failures import Permanent
from shared.postgres.database import Database
from shared.sealing import Sealer

logger = structlog.get_logger(__name__)
_SWEEP_SECONDS = 3_600.0


class SessionOver(Exception):  # noqa: N818  says what it is
    """There is no session, or none any more: log in again."""


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A session at the version that was read."""

    id: UUID
    version: int
    kept: Kept


class Sessions:
    """The sessions of all browsers.

    Args:
        database: of the console.
        apis: renew tokens, and end sessions.
        sealer: for what is kept.
    """

    def __init__(self, database: Database, apis: Apis, sealer: Sealer) -> None:
        self._database = database
        self._apis = apis
        self._sealer = sealer
        # One renewal at a time for a session. Of two processes both may: within ten seconds the
        # API takes a refresh token twice.
        self._renewing: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def begin(self, tokens: Tokens) -> str:
        """A new session; what the browser is to keep."""
        cookie = secrets.token_urlsafe(32)
        id_ = uuid4()
        sealed = self._seal(id_, Kept(tokens=tokens))
        async with self._database.session() as session:
            await store.insert(session, StoredSession(id_, sealed, 1), digest(cookie))
        return cookie

    async def find(self, cookie: str) -> BrowserSession:
        """The session of a cookie.

        Raises:
            SessionOver: there is none.
        """
        if not cookie:
            raise SessionOver
        async with self._database.session() as session:
            return self._opened(await store.find(session, digest(cookie)))

    async def fresh(self, cookie: str, found: BrowserSession, caller: Caller) -> BrowserSession:
        """The session with a token that lasts, renewed if need be.

        Raises:
            SessionOver: the API has ended it.
            ApiAway: it does not answer.
            ApiProblem: it does not renew now.
        """
        if not found.kept.tokens.is_stale(datetime.now(UTC)):
            return found
        return await self.renewed(cookie, found, caller)

    async def renewed(self, cookie: str, found: BrowserSession, caller: Caller) -> BrowserSession:
        """The session with other tokens than `found` has.

        Raises:
            SessionOver, ApiAway, ApiProblem: as `fresh`.
        """
        lock = self._renewing.setdefault(found.id, asyncio.Lock())
        async with lock:
            # Whoever held the lock may have done it.
            now = await self.find(cookie)
            if now.kept.tokens.access_token != found.kept.tokens.access_token:
                return now
            body = {"refresh_token": now.kept.tokens.refresh_token}
            try:
                answer = await self._apis.call(
                    "connections", "POST", "/v1/sessions/refresh", caller, body=body
                )
            except ApiProblem as problem:
                # A failure of the API, or a limit, ends nobody's session.
                if problem.code != "invalid_grant":
                    raise
                await self.forget(now)
                raise SessionOver from problem
            return await self.keep(now, tokens=Tokens.of(answer.body))

    async def keep(self, found: BrowserSession, **changes: Any) -> BrowserSession:
        """The session with these fields of `Kept` changed; what another request wrote stays.

        Raises:
            SessionOver: it was ended meanwhile.
        """
        while True:
            kept = found.kept.model_copy(update=changes)
            stored = StoredSession(found.id, self._seal(found.id, kept), found.version)
            async with self._database.session() as session:
                if await store.keep(session, stored):
                    return replace(found, kept=kept, version=found.version + 1)
                found = self._opened(await store.get(session, found.id))

    async def act(self, found: BrowserSession, acting: Acting | None) -> BrowserSession:
        """Act in somebody's name from now on, or no more."""
        return await self.keep(found, acting=acting)

    async def end(self, found: BrowserSession, caller: Caller) -> None:
        """Log out: the tokens are refused everywhere, whoever has copied them."""
        await self.forget(found)
        try:
            await self._apis.call(
                "connections",
                "DELETE",
                "/v1/sessions/current",
                caller,
                token=found.kept.tokens.access_token,
            )
        except ApiProblem as problem:
            # It was over already.
            logger.info("a session had ended", reason=problem.code)

    async def forget(self, found: BrowserSession) -> None:
        """The browser has none any more."""
        async with self._database.session() as session:
            await store.delete(session, found.id)

    async def sweep(self) -> None:
        """Now and then forget what nobody used for long; never returns."""
        while True:
            async with self._database.session() as session:
                deleted = await store.delete_idle(session)
            if not deleted:
                await asyncio.sleep(_SWEEP_SECONDS)

    def _opened(self, stored: StoredSession | None) -> BrowserSession:
        if stored is None:
            raise SessionOver
        try:
            kept = Kept.model_validate_json(self._sealer.open(stored.sealed, _context(stored.id)))
        except (Permanent, ValueError) as error:
            # Sealed with a key that is gone, or by another version of the console.
            raise SessionOver from error
        return BrowserSession(stored.id, stored.version, kept)

    def _seal(self, id_: UUID, kept: Kept) -> str:
        return self._sealer.seal(kept.model_dump_json(), _context(id_))


def digest(cookie: str) -> bytes:
    """What is kept of what a browser keeps."""
    return hashlib.sha256(cookie.encode()).digest()


def _context(id_: UUID) -> str:
    return f"browser:{id_}"
