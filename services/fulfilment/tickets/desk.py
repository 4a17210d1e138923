"""What is done with tickets: each a function in the caller's transaction."""

import secrets
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from services.fulfilment.tickets import shown, store
from services.fulfilment.tickets.mail.addresses import REPLY_KEY_BYTES
from services.fulfilment.tickets.mail.outgoing import Post
from services.fulfilment.tickets.models import Message, Ticket
from services.fulfilment.tickets.needs import require_files, require_form
from services.fulfilment.tickets.states import Command, kind_of
from shared.contracts.notices import TicketAnswered
from shared.failures import Refused
from shared.notices import notice
from shared.postgres import outbox
from shared.postgres.database import Session

_MOST_MESSAGES = 1_000
# Of an account in a day: a stolen token must not mail the world.
_MOST_MAILS = 200


async def create(session: Session, account: UUID, person: UUID, form: shown.NewTicket) -> Ticket:
    """A draft about an order, or to the operator, with its first message.

    Raises:
        Refused: `not_found`, `not_support_owner`, `order_erased`, `validation_failed`.
    """
    kind = kind_of(form.category)
    require_form(form.category, form.fields, form.order_id, form.carrier_email)
    about = None if form.order_id is None else await _order(session, account, form.order_id)
    ticket = await store.insert(
        session,
        kind,
        account,
        about,
        form.category,
        form.fields.model_dump_json(exclude_none=True),
        (form.carrier_email, secrets.token_bytes(REPLY_KEY_BYTES)) if form.carrier_email else None,
        form.language,
        person,
    )
    if ticket is None:
        raise Refused("order_erased")
    await store.add_message(session, ticket, "owner", person, form.message)
    return ticket


async def _order(session: Session, account: UUID, order_id: UUID) -> tuple[UUID, UUID | None]:
    order = await store.get_order(session, account, order_id)
    if order is None:
        raise Refused("not_found", what="order")
    return order.id, order.other_than(account)


async def command(
    session: Session, post: Post, account: UUID, ticket_id: UUID, asked: Command
) -> Ticket:
    """The ticket after a command of its owner; opening one mails it to the carrier that it names.

    Raises:
        Refused: `not_found`, `not_support_owner`, `invalid_transition`, `validation_failed`,
            `too_many_mails`.
    """
    ticket = await lock_own(session, account, ticket_id)
    to = ticket.standing.commanded(asked, datetime.now(UTC))
    if asked == "open":
        files = await store.list_attachments(session, ticket)
        require_files(ticket.category, [file.content_type for file in files])
        if ticket.carrier_email is not None:
            await _require_few_mails(session, account)
            messages = await store.list_messages(session, ticket)
            await post.send(session, ticket, messages, files)
    return await store.move(session, ticket, to)


async def write(
    session: Session, post: Post, account: UUID, person: UUID, ticket_id: UUID, text: str
) -> Message:
    """What its owner says next, mailed to the carrier once the ticket is open.

    Raises:
        Refused: `not_found`, `not_support_owner`, `order_erased`, `invalid_transition`, `too_many`,
            `too_many_mails`.
    """
    ticket = await lock_own(session, account, ticket_id)
    ticket.require_words()
    to = ticket.standing.answered("owner", datetime.now(UTC))
    if await store.count_messages(session, ticket) >= _MOST_MESSAGES:
        raise Refused("too_many", most=_MOST_MESSAGES, what="messages in a ticket")
    message = await store.add_message(session, ticket, "owner", person, text)
    if message is None:
        raise Refused("order_erased")
    if ticket.carrier_email is not None and ticket.state != "draft":
        await _require_few_mails(session, account)
        await post.send(session, ticket, [message], await store.list_attachments(session, ticket))
    await store.move(session, ticket, to)
    return message


async def take_answer(session: Session, reply_key: bytes, digest: bytes, text: str) -> bool:
    """What the carrier answered by mail; whether it was added: not twice, nor to what is erased."""
    ticket = await store.lock_answered(session, reply_key)
    if ticket is None or await store.count_messages(session, ticket) >= _MOST_MESSAGES:
        return False
    added = await store.add_message(session, ticket, "carrier", None, text, digest)
    if added is not None:
        await store.move(session, ticket, ticket.standing.answered("carrier", datetime.now(UTC)))
        await _tell(session, ticket, added, "carrier")
    return added is not None


async def _require_few_mails(session: Session, account: UUID) -> None:
    if await store.count_mails(session, account) > _MOST_MAILS:
        raise Refused("too_many_mails", most=_MOST_MAILS, retry_after=3_600)


async def lock_own(session: Session, account: UUID, ticket_id: UUID) -> Ticket:
    """A ticket of the account, held to the end of the transaction.

    Raises:
        Refused: `not_found`, `not_support_owner`.
    """
    ticket = await store.lock(session, account, ticket_id)
    if ticket is None:
        raise Refused("not_found", what="ticket")
    ticket.require_owner(account)
    return ticket


async def operate(session: Session, ticket_id: UUID, asked: Command) -> Ticket:
    """A help ticket after a command of the operator.

    Raises:
        Refused: `not_found`, `invalid_transition`.
    """
    ticket = await _lock_help(session, ticket_id)
    return await store.move(session, ticket, ticket.standing.commanded(asked, datetime.now(UTC)))


async def answer(session: Session, ticket_id: UUID, text: str) -> Message:
    """What the operator answers in a help ticket.

    Raises:
        Refused: `not_found`, `order_erased`, `too_many`.
    """
    ticket = await _lock_help(session, ticket_id)
    ticket.require_words()
    if await store.count_messages(session, ticket) >= _MOST_MESSAGES:
        raise Refused("too_many", most=_MOST_MESSAGES, what="messages in a ticket")
    message = await store.add_message(session, ticket, "operator", None, text)
    if message is None:
        raise Refused("order_erased")
    await store.move(session, ticket, ticket.standing.answered("operator", datetime.now(UTC)))
    await _tell(session, ticket, message, "operator")
    return message


async def _tell(
    session: Session, ticket: Ticket, message: Message, by: Literal["carrier", "operator"]
) -> None:
    """Have the people of the account hear of it: what was said stands in the ticket alone."""
    data = TicketAnswered(ticket_id=ticket.id, number=ticket.number, answered_by=by)
    raised = notice(
        "fulfilment", ticket.account_id, data, message.id, message.written_at, repeats=False
    )
    await outbox.write(session, [raised])


async def _lock_help(session: Session, ticket_id: UUID) -> Ticket:
    ticket = await store.lock_help(session, ticket_id)
    if ticket is None:
        raise Refused("not_found", what="ticket")
    return ticket
