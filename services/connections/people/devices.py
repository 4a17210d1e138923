"""Devices that a person has logged in from: each keeps a token for a year."""

import time
from uuid import UUID

from shared.failures import Permanent
from shared.sealing import Sealer

LIFETIME_SECONDS = 365 * 86_400
_CONTEXT = "device"
# The order matters: every browser says that it is several others too.
_PROGRAMS = ("Edg", "OPR", "Firefox", "Chrome", "Safari", "curl")
_NAMES = {"Edg": "Edge", "OPR": "Opera"}
_SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux")


def issue(sealer: Sealer, person_id: UUID) -> str:
    """The token of a device that the person has just logged in from."""
    return sealer.seal(f"{person_id} {int(time.time())}", _CONTEXT)


def is_known(sealer: Sealer, token: str, person_id: UUID | None) -> bool:
    """Whether the token is one of this person's, and not over; None: there is no such person."""
    try:
        owner, _, issued = sealer.open(token, _CONTEXT).partition(" ")
    except Permanent:
        return False
    return owner == str(person_id) and int(issued) > time.time() - LIFETIME_SECONDS


def named(agent: str) -> str:
    """A device in words of our own: who wants to be in somebody's mail writes the `User-Agent`."""
    program = next((one for one in _PROGRAMS if one in agent), None)
    system = next((one for one in _SYSTEMS if one in agent), None)
    words = [_NAMES.get(program, program) if program else None, system]
    return ", ".join(word for word in words if word) or "?"
