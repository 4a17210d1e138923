"""What the token endpoint grants, by who asks (RFC 6749, RFC 8693)."""

from collections.abc import Collection
from uuid import UUID

from services.connections.accounts import registry as accounts
from services.connections.accounts.tokens import Grant
from services.connections.connection import transitions
from services.connections.machines import clients
from services.connections.oauth.errors import OAuthError
from shared.contracts.connections_changed import ConnectionState
from shared.failures import Refused
from shared.postgres.database import Database
from shared.web.auth import Delegation, Principal

_ACCEPTED = (ConnectionState.INACTIVE, ConnectionState.ACTIVE)


async def of_client(
    database: Database, client_id: UUID, secret: str, wanted: Collection[str]
) -> Grant:
    """What an API client may do: all of its scopes, or those that it wants.

    Raises:
        OAuthError: `invalid_client`, `invalid_scope`.
    """
    async with database.reading() as session:
        client = await clients.authenticate(session, client_id, secret)
    if client is None:
        raise OAuthError("invalid_client", "no client has this id and this secret")
    if not set(wanted) <= set(client.scopes):
        raise OAuthError("invalid_scope", f"the client has {' '.join(client.scopes)}")
    return Grant(
        subject=client.id,
        account_id=client.account_id,
        kind=client.kind,
        role="operator",
        version=client.version,
        scopes=sorted(wanted or client.scopes),
    )


async def in_name_of_brand(database: Database, principal: Principal, connection_id: UUID) -> Grant:
    """What a person of a 3PL may do in the name of the brand of a connection.

    Raises:
        OAuthError: `unauthorized_client`: not a person of a 3PL who may work;
            `invalid_target`: no such connection, not accepted, or its brand does not let it.
    """
    if principal.kind != "three_pl" or principal.scopes is not None or not principal.may_write:
        raise OAuthError("unauthorized_client", "only a person of the 3PL, and not a viewer")
    async with database.reading() as session:
        try:
            connection = await transitions.visible_connection(
                session, connection_id, principal.account_id
            )
        except Refused as error:
            raise OAuthError("invalid_target", "there is no such connection") from error
        brand = await accounts.get_account(session, connection.brand_id)
    if connection.state not in _ACCEPTED or brand is None:
        raise OAuthError("invalid_target", f"the connection is {connection.state}")
    if connection.delegation == "off":
        raise OAuthError("invalid_target", "the brand does not let its 3PL act in its name")
    return Grant(
        subject=UUID(principal.subject),
        account_id=connection.brand_id,
        kind="brand",
        role="operator",
        # Of the 3PL's account: what takes the person's rights there ends this token too.
        version=principal.version,
        session_id=principal.session,
        actor=principal.account_id,
        delegation=Delegation(
            connection.id, connection.version, connection.epoch, connection.store_id,
            may_set_keys=connection.delegation == "credentials",
        ),
    )  # fmt: skip
