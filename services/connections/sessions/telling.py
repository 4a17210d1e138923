"""Telling people that somebody logged in as they do, from a device that was not seen before."""

from datetime import UTC, datetime, timedelta

from services.connections.mail.kinds import Mail, NewDevice
from services.connections.mail.outgoing import Outgoing
from services.connections.people import devices
from services.connections.people.models import Person
from services.connections.sessions import store
from services.connections.sessions.models import Device
from shared.postgres.database import Session

_MOST_MAILS = 3
_HOUR = timedelta(hours=1)
_KINDS = ("new_device",)


async def tell_of_new_device(
    session: Session, outgoing: Outgoing, person: Person, device: Device
) -> None:
    """Queue the mail, unless this is the first log-in, or the hour had enough of them.

    Args:
        session: in the transaction that begins the session, before it does.
        outgoing: queues.
        person: who logs in.
        device: from where.
    """
    if not await store.has_sessions(session, person.id):
        return
    if await outgoing.count(session, person.email, _HOUR, _KINDS) >= _MOST_MAILS:
        return
    told = NewDevice(at=datetime.now(UTC), device=devices.named(device.name))
    await outgoing.queue(session, Mail(person.email, told, person.language))
