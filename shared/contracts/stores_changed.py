"""`stores.changed`: connections says which stores there are and how they prove themselves."""

from uuid import UUID

from shared.contracts.fields import Timestamp, WireContract


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
    """`stores.changed`, key `store_id`, compacted: a store with the credentials valid now."""

    store_id: UUID
    brand_id: UUID
    platform: str
    domain: str
    version: int
    credentials: tuple[StoreCredential, ...] = ()
    changed_at: Timestamp
