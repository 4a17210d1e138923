"""What the parties of connections may do and see, as docs/domain.md has it. Pure.

A brand, two 3PLs and a stranger. Each command answers with the code of the problem that it meets,
`OK` when there is none, and changes what everybody sees.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Who = Literal["brand", "first", "second", "stranger"]
THREE_PLS: tuple[Who, ...] = ("first", "second")
EVERYBODY: tuple[Who, ...] = ("brand", *THREE_PLS, "stranger")
OWNERS = ("shipping_rules_owner", "billing_owner", "support_owner")
OK = ""
STATUS = {
    "plan_required": 402,
    "not_yours_to_set": 403,
    "setting_locked": 403,
    "three_pl_blocked": 403,
    "three_pl_only": 403,
    "brand_only": 403,
    "wrong_account": 403,
    "wrong_password": 403,
    "not_found": 404,
    "already_connected": 409,
    "invalid_transition": 409,
    "nothing_pending": 409,
    "priority_taken": 409,
    "link_expired": 410,
    "login_link_expired": 410,
    "terms_changed": 412,
    "version_conflict": 412,
    "precondition_required": 428,
}
_LIVE = ("pending", "inactive", "active")
_ACCEPTED = ("inactive", "active")
_FIRST_PRIORITY = 100


@dataclass(eq=False)
class Connection:
    """One between a 3PL and a store; a claim's until the brand accepts it."""

    id: str
    three_pl: Who
    store: str
    domain: str
    claim: str | None
    state: str = "pending"
    is_brands: bool = False
    version: int = 1
    epoch: int = 0
    priority: int = _FIRST_PRIORITY
    settings_version: int = 1
    url: str | None = None
    login_link: str = ""
    login_link_is_over: bool = False
    # A claim that is over, and what was typed into it.
    is_erased: bool = False
    # The version at which the brand decided what is done in its name.
    allowed_since: int = 0
    settings: dict[str, Any] = field(
        default_factory=lambda: {
            **dict.fromkeys(OWNERS, "brand"),
            "log_in_as_brand": "orders",
            "locked_settings": [],
        }
    )

    @property
    def is_live(self) -> bool:
        return self.state in _LIVE

    def is_party(self, who: Who) -> bool:
        """Only parties see it, and a claim's brand has nobody who could look."""
        return who == self.three_pl or (who == "brand" and self.is_brands)

    def shown(self) -> dict[str, Any]:
        """What its parties see of it."""
        return {
            "id": self.id,
            "store": self.store,
            "state": self.state,
            "version": self.version,
            "epoch": self.epoch,
            "priority": self.priority,
            "settings_version": self.settings_version,
            "webhook": self.url is not None,
            **self.settings,
        }


@dataclass(eq=False)
class MailedLink:
    """What the brand's mailbox got: who has it may accept this connection."""

    token: str
    connection: Connection
    is_over: bool = False
    is_used: bool = False


@dataclass(eq=False)
class Invitation:
    """The brand asks a 3PL; `tokens` are those that were mailed, the newest last."""

    id: str
    to: Who
    domain: str
    tokens: list[str]
    is_over: bool = False
    state: str = "open"
    connection: Connection | None = None


@dataclass(frozen=True)
class Delegated:
    """A token in the brand's name."""

    token: str
    connection: Connection
    epoch: int
    allowed_since: int

    @property
    def is_good(self) -> bool:
        """It is dead when the epoch differs, or the brand has decided anew what it allows."""
        now = self.connection
        return (
            now.state in _ACCEPTED
            and now.epoch == self.epoch
            and now.allowed_since == self.allowed_since
        )


@dataclass
class Parties:
    """Where all of it stands. `stores` are the brand's, by domain."""

    stores: dict[str, str]
    connections: list[Connection] = field(default_factory=list)
    links: list[MailedLink] = field(default_factory=list)
    invitations: list[Invitation] = field(default_factory=list)
    delegated: list[Delegated] = field(default_factory=list)
    on_conquer: set[Who] = field(default_factory=lambda: set(THREE_PLS))
    blocked: set[Who] = field(default_factory=set)

    # --- what is seen

    def connections_of(self, who: Who) -> list[dict[str, Any]]:
        return [one.shown() for one in self.connections if one.is_party(who)]

    def stores_of(self, who: Who) -> list[str]:
        return list(self.stores.values()) if who == "brand" else []

    def brands_of(self, who: Who) -> list[tuple[str, bool]]:
        """Ids of what a 3PL entered, and whether somebody accepted; what is erased is gone."""
        return [
            (one.claim, one.is_brands)
            for one in self.connections
            if one.three_pl == who and one.claim and not one.is_erased
        ]

    # --- asking

    def may_add(self, who: Who, domain: str) -> str:
        if who not in THREE_PLS:
            return "three_pl_only"
        if who not in self.on_conquer:
            return "plan_required"
        return "already_connected" if self._has(who, domain) else OK

    def may_issue_link(self, connection: Connection, who: Who) -> str:
        if who != connection.three_pl or connection.is_erased:
            return "not_found"
        return OK if connection.state == "pending" else "nothing_pending"

    def may_open(self, connection: Connection, token: str) -> str:
        is_good = token == connection.login_link and not connection.login_link_is_over
        return OK if is_good and connection.state == "pending" else "login_link_expired"

    def accept(self, link: MailedLink, who: Who, settings_version: int) -> str:
        connection = link.connection
        if not link.is_used and (link.is_over or connection.is_erased):
            return "link_expired"
        if who != "brand":
            return "wrong_account"
        if link.is_used:
            return OK
        if connection.three_pl in self.blocked:
            return "three_pl_blocked"
        if connection.state != "pending":
            return "link_expired"
        if settings_version != connection.settings_version:
            return "terms_changed"
        link.is_used = True
        self._join(connection)
        return OK

    # --- inviting

    def may_take_up(self, invitation: Invitation, token: str, who: Who) -> str:
        if token != invitation.tokens[-1] or invitation.state == "withdrawn":
            return "not_found"
        if invitation.state != "accepted" and invitation.is_over:
            return "link_expired"
        if who != invitation.to:
            return "wrong_account"
        if invitation.state == "accepted":
            return OK
        if who in self.blocked:
            return "three_pl_blocked"
        return "already_connected" if self._has(who, invitation.domain) else OK

    def take_up(self, invitation: Invitation, connection_id: str) -> None:
        """It was: a connection that both have agreed to."""
        made = Connection(
            connection_id, invitation.to, self.stores[invitation.domain], invitation.domain, None
        )
        self.connections.append(made)
        self._join(made)
        invitation.state, invitation.connection = "accepted", made

    def may_change(self, invitation: Invitation, who: Who) -> str:
        """Mail it again, or withdraw it."""
        if who != "brand":
            return "not_found"
        return OK if invitation.state == "open" else "invalid_transition"

    # --- changing

    def switch(self, connection: Connection, who: Who, command: str, if_match: int | None) -> str:
        if not connection.is_party(who):
            return "not_found"
        if if_match is not None and if_match != connection.version:
            return "version_conflict"
        wanted = {"activate": "active", "deactivate": "inactive"}.get(command, "disconnected")
        state = connection.state
        if state == wanted:
            return OK
        if state not in (_LIVE if wanted == "disconnected" else _ACCEPTED):
            return "invalid_transition"
        if wanted == "active":
            if connection.three_pl not in self.on_conquer:
                return "plan_required"
            if connection.priority in self._taken(connection):
                return "priority_taken"
            connection.epoch += 1
        connection.state = wanted
        connection.version += 1
        return OK

    def set(
        self, connection: Connection, who: Who, change: Mapping[str, Any], if_match: int | None
    ) -> str:
        """Change one setting."""
        ((name, value),) = change.items()
        if refusal := self._may_set_at(connection, who, if_match):
            return refusal
        owner = {"webhook_url": connection.three_pl}.get(name, "brand")
        if name not in OWNERS and who != owner:
            return "not_yours_to_set"
        now = {"webhook_url": connection.url, "priority": connection.priority}
        if {**connection.settings, **now}[name] == value:
            return OK
        if who != "brand" and name in connection.settings["locked_settings"]:
            return "setting_locked"
        if not connection.is_live:
            return "invalid_transition"
        if name == "priority" and connection.state == "active" and value in self._taken(connection):
            return "priority_taken"
        self._write(connection, name, value)
        return OK

    def may_act_in_its_name(self, connection: Connection, who: Who) -> str:
        """RFC 8693: the code of the token endpoint."""
        if who not in THREE_PLS:
            return "unauthorized_client"
        is_open = connection.state in _ACCEPTED and connection.settings["log_in_as_brand"] != "off"
        return OK if who == connection.three_pl and is_open else "invalid_target"

    # --- what follows

    def _may_set_at(self, connection: Connection, who: Who, if_match: int | None) -> str:
        if if_match is None:
            return "precondition_required"
        if not connection.is_party(who):
            return "not_found"
        return OK if if_match == connection.version else "version_conflict"

    def _write(self, connection: Connection, name: str, value: Any) -> None:
        connection.version += 1
        if name == "priority":
            connection.priority = value
            return
        if name == "webhook_url":
            connection.url = value
        else:
            connection.settings[name] = value
        if name == "log_in_as_brand":
            connection.allowed_since = connection.version
        connection.settings_version += name in (*OWNERS, "webhook_url")

    def _join(self, connection: Connection) -> None:
        """Accepted: it is the brand's, at its own store of that shop, and comes last there."""
        connection.is_brands = True
        connection.store = self.stores.setdefault(connection.domain, connection.store)
        others = [
            one.priority
            for one in self.connections
            if one is not connection and one.store == connection.store and one.state in _ACCEPTED
        ]
        connection.priority = max(others, default=_FIRST_PRIORITY - 1) + 1
        connection.state = "inactive"
        connection.version += 1

    def _has(self, who: Who, domain: str) -> bool:
        return any(
            one.is_live for one in self.connections if (one.three_pl, one.domain) == (who, domain)
        )

    def _taken(self, connection: Connection) -> Sequence[int]:
        return [
            one.priority
            for one in self.connections
            if one is not connection and one.store == connection.store and one.state == "active"
        ]
