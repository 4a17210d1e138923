"""The platforms whose webhooks are understood: a folder each, found by name.

A folder `<name>` is a package with a `PLATFORM` in its `__init__.py`, and its name stands in
`services/catalog.py`. Nothing else knows the platforms one by one (`docs/howto/add-a-platform.md`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Literal

from services import catalog
from shared.contracts.order import Order


@dataclass(frozen=True, slots=True)
class PlatformOrder:
    """What a webhook says: an order in its full current state, or that it was deleted.

    `updated_at` is the source's own clock; `order` is None when it was deleted.
    """

    action: Literal["upsert", "delete"]
    external_id: str
    updated_at: datetime
    order: Order | None


# Names are in lower case in both: HTTP's are in any.
Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Platform:
    """How the webhooks of one platform are checked and read.

    Args:
        signature_header: where the signature stands, in lower case.
        kept_headers: those that are kept with what was not understood, in lower case.
        signature_is_valid: whether a signature was made with one of the secrets; in constant time.
        parse: reads a body; gets it with the headers and the time of receipt, for messages that
            carry none. None for what is about no order (a draft, a checkout); raises pydantic's
            ValidationError for an order that it cannot read.
    """

    signature_header: str
    kept_headers: Sequence[str]
    signature_is_valid: Callable[[Sequence[bytes], bytes, str], bool]
    parse: Callable[[bytes, Headers, datetime], PlatformOrder | None]


def load_platforms() -> dict[str, Platform]:
    """The platforms of the catalogue, by name.

    Raises:
        ModuleNotFoundError, AttributeError: a name in the catalogue has no folder here.
    """
    return {
        name: import_module(f"{__name__}.{name}").PLATFORM for name in catalog.WEBHOOK_PLATFORMS
    }
