"""Links that go to an address and nowhere else: who has the token reads the mailbox."""

from services.connections.accounts import tokens
from services.connections.mail.kinds import Language
from services.connections.people import store
from services.connections.people.models import About, MailedLink, Person, Purpose
from shared.failures import Refused
from shared.postgres.database import Session

# The page that a link opens; its token stands in the fragment, which no server gets to see.
_PAGES: dict[Purpose, str] = {
    "sign_up": "confirm",
    "reset_password": "reset-password",
    "accept": "accept",
    "stop_mail": "stop-mail",
    "join": "join",
    "change_email": "change-email",
    "undo_email": "undo-email",
    "invite": "invitation",
}
_NOTHING_ELSE = About()


class MailedLinks:
    """Makes such links and knows them again.

    Args:
        console_url: what they start with, from the settings and from no header of a request.
    """

    def __init__(self, console_url: str) -> None:
        self._console_url = console_url

    def page(self, path: str) -> str:
        """A page that needs no token."""
        return f"{self._console_url}/{path}"

    async def make(
        self,
        session: Session,
        purpose: Purpose,
        email: str,
        language: Language,
        about: About = _NOTHING_ELSE,
    ) -> str:
        """The URL of a new link, which nobody but the mail may be given.

        Args:
            session: in a transaction, with the mail.
            purpose: what it is good for.
            email: where it goes.
            language: of its reader.
            about: what else it has to know.
        """
        token = tokens.new_link_token()
        await store.insert_mailed_link(
            session, tokens.digest(token), purpose, email, language, about
        )
        return f"{self._console_url}/{_PAGES[purpose]}#token={token}"


async def find(session: Session, token: str, purpose: Purpose) -> MailedLink:
    """The link of a token, used or not.

    Raises:
        Refused: `not_found`.
    """
    return _known(await store.get_mailed_link(session, tokens.digest(token), purpose))


async def lock(session: Session, token: str, purpose: Purpose) -> MailedLink:
    """The link of a token, held until the transaction ends.

    Whoever uses a link makes the person of its address and ends other links: two at once, of
    whatever purpose, follow one another.

    Raises:
        Refused: `not_found`.
    """
    link = await find(session, token, purpose)
    await hold_address(session, link.email)
    return _known(await store.lock_mailed_link(session, tokens.digest(token), purpose))


async def hold_address(session: Session, email: str) -> None:
    """Wait for whoever follows a link to the address; before any row that such a link changes."""
    await store.lock_address(session, email)


async def use(session: Session, token: str, person: Person) -> None:
    """It has done its work, and so has every sign-up that waits for the same address."""
    await store.use_mailed_link(session, tokens.digest(token), person.id)
    await store.drop_mailed_links(session, person.email, "sign_up")


def _known(link: MailedLink | None) -> MailedLink:
    if link is None:
        raise Refused("not_found", what="link")
    return link
