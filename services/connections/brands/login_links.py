"""Whether a login link still lets anybody in. Pure."""

from services.connections.brands.models import LoginLink
from shared.contracts.connections_changed import ConnectionState
from shared.failures import Refused


def require_usable(link: LoginLink | None) -> LoginLink:
    """The link, when it may be used: for the first time while its connection waits, or again.

    Again it is a plain login, which the password proves.

    Raises:
        Refused: `not_found`: there is no such link; `login_link_expired`.
    """
    if link is None:
        raise Refused("not_found", what="login link")
    has_ended = not link.is_redeemed and link.state is not ConnectionState.PENDING
    if link.is_over or has_ended:
        raise Refused("login_link_expired")
    return link
