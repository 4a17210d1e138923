"""What connections, stores and accounts are called: ids mean nothing to a reader. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Names:
    """By id; what is not known now is not in it.

    `connections` has the other party and the domain of the store, `parties` accounts; `live` are
    the connections that are on or could be switched on.
    """

    connections: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    stores: Mapping[str, str] = field(default_factory=dict)
    parties: Mapping[str, str] = field(default_factory=dict)
    live: Sequence[str] = ()
