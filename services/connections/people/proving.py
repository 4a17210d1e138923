"""That who follows a mailed link is the person of its address, or a new one."""

from services.connections.people import registry
from services.connections.people.models import MailedLink, Person
from services.connections.people.passwords import Passwords
from shared.failures import Refused


async def prove(
    passwords: Passwords,
    link: MailedLink,
    person: Person | None,
    password: str | None,
    subject: str | None,
) -> str | None:
    """The hash to set for a new person; None for one that has proven to be the address's.

    Passwords are hashed beside the event loop: not in a transaction.

    Args:
        passwords: hashes and compares.
        link: that was followed.
        person: of its address, if there is one.
        password: that came along: a new person's, or the one that the person has.
        subject: who is logged in; then no password is asked for.

    Raises:
        Refused: `wrong_account`, `wrong_password`, `validation_failed` at `/password`, `busy`.
    """
    if subject is not None:
        if person is None or str(person.id) != subject:
            raise Refused("wrong_account")
        return None
    if password is None:
        errors = [{"pointer": "/password", "message": "Set one, or log in first"}]
        raise Refused("validation_failed", errors=errors)
    if person is None or person.password_hash is None:
        registry.require_good(password, link.email)
        return await passwords.hash(password)
    if not await passwords.verify(person.password_hash, password):
        raise Refused("wrong_password")
    return None
