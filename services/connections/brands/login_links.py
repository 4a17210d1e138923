"""Whether a login link still shows what it is about. Pure."""

from services.connections.brands.models import LoginLink
from shared.contracts.connections_changed import ConnectionState
from shared.failures import Refused


def require_usable(link: LoginLink | None) -> LoginLink:
    """The link, while its connection waits for the brand.

    Raises:
        Refused: `not_found`: there is no such link; `login_link_expired`.
    """
    if link is None:
        raise Refused("not_found", what="login link")
    if link.is_over or link.state is not ConnectionState.PENDING:
        raise Refused("login_link_expired")
    return link
