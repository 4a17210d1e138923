"""Sends what waits: claims, hands over outside any transaction, records many at a time.

Several processes may run it. A mail goes out at least once: a process that dies between handing a
mail over and recording it leaves that to whoever claims it next, with the same `Message-ID`.
"""

import asyncio
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
import structlog

from services.connections.mail import store
from services.connections.mail.kinds import Contents
from services.connections.mail.message import compose, on_the_wire
from services.connections.mail.metrics import MAILS, MAILS_OLDEST, MAILS_WAITING
from services.connections.mail.outgoing import context_of
from services.connections.mail.rendering import render
from services.connections.mail.schedule import FIRST_SECONDS, next_wait, useful_seconds
from services.connections.mail.store import ClaimedMail, Outcome
from services.connections.mail.transport import Letter, NoMailbox, Transport
from shared.failures import Permanent, Transient, is_transient
from shared.postgres.database import Database
from shared.sealing import Sealer

logger = structlog.get_logger(__name__)

_LONGEST_REASON = 500
_SUPPRESS_SECONDS = 7 * 24 * 3_600.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How mails are sent.

    Args:
        concurrency: mails on their way at once.
        send_seconds: how long one may take.
        poll_seconds: the slow look at what nobody told of.
        retry_seconds: the longest wait before the second attempt.
        keep: how long it is known who got what.
    """

    concurrency: int = 4
    send_seconds: float = 30.0
    poll_seconds: float = 10.0
    retry_seconds: float = FIRST_SECONDS
    keep: timedelta = timedelta(days=90)

    @property
    def lease_seconds(self) -> float:
        """A claim outlives its attempt, and the writing of what came of it."""
        return 2 * self.send_seconds + 60.0


class Sender:
    """The background work that sends mails.

    Args:
        database: connections' schema.
        sealer: opens what a mail says.
        transport: where mails go.
        sender: `Name <address>`, whom they come from.
        contact: whom readers may ask.
        pace: how many, how long, how often.
    """

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        transport: Transport,
        sender: str,
        contact: str,
        pace: Pace,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._transport = transport
        self._sender = sender
        self._contact = contact
        self._pace = pace
        self._wake = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._outcomes: list[Outcome] = []
        self._look_at = 0.0
        self._stopping = False
        self._drained = asyncio.Event()

    async def run(self) -> None:
        """Send until cancelled or stopped; losing Postgres only pauses it."""
        while not self._drained.is_set():
            try:
                await self._listen()
            except Exception as error:
                if not is_transient(error):
                    raise
                logger.warning("sending mails pauses", reason=str(error))
                await asyncio.sleep(min(1.0, self._pace.poll_seconds))
        await asyncio.Event().wait()

    async def stop(self, seconds: float) -> None:
        """Claim nothing more; return when what is under way is sent and recorded, or cut it off."""
        self._stopping = True
        self._wake.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._drained.wait()
        for task in self._under_way:
            task.cancel()

    async def _listen(self) -> None:
        session = await self._database.dedicated()
        try:
            await session.add_listener(store.CHANNEL, lambda *_: self._wake.set())
            session.add_termination_listener(lambda _: self._wake.set())
            while not session.is_closed() and not self._drained.is_set():
                self._wake.clear()
                await self._record(session)
                await self._look(session)
                await self._claim(session)
                if self._stopping and not self._under_way and not self._outcomes:
                    self._drained.set()
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._pace.poll_seconds):
                        await self._wake.wait()
        finally:
            await session.close(timeout=2)

    async def _record(self, session: asyncpg.Connection) -> None:
        if outcomes := list(self._outcomes):
            await store.record_outcomes(session, outcomes, _SUPPRESS_SECONDS)
            del self._outcomes[: len(outcomes)]
            for outcome in outcomes:
                _tell(outcome)

    async def _look(self, session: asyncpg.Connection) -> None:
        """The slow look: how much waits, and what may be forgotten."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + self._pace.poll_seconds
        await store.delete_ended_mails(session, self._pace.keep)
        waiting, oldest = await store.measure_mails(session)
        MAILS_WAITING.set(waiting)
        MAILS_OLDEST.set(oldest)

    async def _claim(self, session: asyncpg.Connection) -> None:
        free = self._pace.concurrency - len(self._under_way)
        if self._stopping or free <= 0:
            return
        for mail in await store.claim_mails(session, free, self._pace.lease_seconds):
            task = asyncio.create_task(self._attempt(mail))
            self._under_way.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._wake.set()

    async def _attempt(self, mail: ClaimedMail) -> None:
        """Hand one mail over; whatever happens has an outcome, unless the process ends here."""
        if mail.is_suppressed:
            self._outcomes.append(Outcome(mail, "suppressed"))
            return
        if _left_seconds(mail) <= 0:
            self._outcomes.append(Outcome(mail, "failed", "its time was over before it went out"))
            return
        outcome = Outcome(mail, "sent")
        try:
            async with asyncio.timeout(self._pace.send_seconds):
                await self._transport.send(self._letter(mail))
        except (Transient, Permanent, OSError) as error:
            outcome = self._failed(mail, error)
        except Exception as error:
            logger.exception("a mail cannot be made", mail=str(mail.id), kind=mail.kind)
            outcome = self._failed(mail, error)
        self._outcomes.append(outcome)

    def _letter(self, mail: ClaimedMail) -> Letter:
        try:
            opened = self._sealer.open(mail.contents, context_of(mail.id))
        except Permanent as error:
            # The operator may bring the key back; without it nobody can say whose mail it was.
            raise Transient(error.reason) from error
        contents = _contents(opened)
        to = on_the_wire(contents.to)
        words = render(contents.data, mail.language, self._contact)
        reply_to = getattr(contents.data, "reply_to", None)
        message = compose(
            mail.id, self._sender, to, words, mail.language, mail.created_at, reply_to
        )
        return Letter(mail.id, mail.kind, to, mail.created_at, message)

    def _failed(self, mail: ClaimedMail, error: Exception) -> Outcome:
        reason = _reason(error)
        if isinstance(error, Permanent):
            return Outcome(mail, "failed", reason, no_mailbox=isinstance(error, NoMailbox))
        wait = next_wait(
            mail.attempts, _left_seconds(mail), random.uniform, self._pace.retry_seconds
        )
        if wait is None:
            return Outcome(mail, "failed", reason)
        return Outcome(mail, "pending", reason, wait)


def _left_seconds(mail: ClaimedMail) -> float:
    return useful_seconds(mail.kind) - mail.age_seconds


def _contents(opened: str) -> Contents:
    try:
        return Contents.model_validate_json(opened)
    except ValueError:
        # The error quotes what it was given: links that let somebody in.
        raise Transient("it was queued by another release, which can read it") from None


def _reason(error: Exception) -> str:
    """For people and for Postgres: servers answer what they like."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    text = str(error) or type(error).__name__
    return "".join(letter if letter.isprintable() else " " for letter in text)[:_LONGEST_REASON]


def _tell(outcome: Outcome) -> None:
    kind = outcome.mail.kind
    names = {"mail": str(outcome.mail.id), "kind": kind, "reason": outcome.error}
    match outcome.state:
        case "pending":
            MAILS.labels(kind, "retried").inc()
            logger.warning(
                "a mail was not taken and is tried again",
                attempts=outcome.mail.attempts,
                seconds=round(outcome.wait),
                **names,
            )
        case "failed":
            MAILS.labels(kind, "failed").inc()
            logger.error(
                "a mail was given up; docs/howto/mail.md says what to do",
                attempts=outcome.mail.attempts,
                **names,
            )
        case ended:
            MAILS.labels(kind, ended).inc()
