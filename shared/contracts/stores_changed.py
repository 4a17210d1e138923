"""`stores.changed`: connections says which stores there are and how they prove themselves."""

from uuid import UUID

from shared.contracts.fields import Timestamp, WireContract


class PaymentRules(WireContract):
    """What a store says about orders that are not paid yet.

    `hold_unpaid`: whether they wait (a hold of kind `payment`). `ship_unpaid_methods`: payment
    methods whose orders are shipped all the same, such as cash on delivery; compared without case.
    """

    hold_unpaid: bool = True
    ship_unpaid_methods: tuple[str, ...] = ()


class StoreCredential(WireContract):
    """A way a store proves itself: an API key by its hash, a platform secret sealed.

    `kind` is `api_key` (`digest` is the hex SHA-256 of the key) or the name of a platform
    (`sealed_secret` is what its webhooks are signed with, sealed by `shared.sealing`).
    """

    id: UUID
    kind: str
    digest: str | None = None
    sealed_secret: str | None = None


class StoreChanged(WireContract):
    """`stores.changed`, key `store_id`, compacted: a store with the credentials valid now.

    A 3PL enters its client's store as a claim, in an account without people. When the client
    accepts into an account that it has, the store moves there once: `former_brand_id` is the
    claim's account, from that change on. If that account has the shop already, this id is an alias
    from then on: `alias_of` is the id that its orders count for, the payment rules are that
    store's, and an external id known under either id is one order.
    """

    store_id: UUID
    brand_id: UUID
    platform: str
    domain: str
    version: int
    credentials: tuple[StoreCredential, ...] = ()
    payment_rules: PaymentRules = PaymentRules()
    former_brand_id: UUID | None = None
    alias_of: UUID | None = None
    changed_at: Timestamp
