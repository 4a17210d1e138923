"""How often a password may be tried. Pure."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

PERIOD = timedelta(minutes=15)
MOST_OF_NETWORK_AND_TARGET = 10
# From all networks together, by devices that the person has not logged in from.
STRANGE_PERIOD = timedelta(hours=1)
MOST_OF_STRANGE_DEVICES = 100


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that may be tried so many times in a period; `subject` is a SHA-256."""

    subject: bytes
    most: int


def limits_of(network: str, target: str, most_of_network: int) -> tuple[Limit, Limit]:
    """What one try counts for: of its network, and of the network and its target.

    `target` is an e-mail address or the digest of a link, or what asks for a mail to one.
    """
    return (
        Limit(_digest("network", network), most_of_network),
        Limit(_digest("target", network, target.lower()), MOST_OF_NETWORK_AND_TARGET),
    )


def limit_of_strange_devices(email: str) -> Limit:
    """What a log-in from a device that nobody knows counts for, beside its network."""
    return Limit(_digest("strange devices", email.lower()), MOST_OF_STRANGE_DEVICES)


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode()).digest()
