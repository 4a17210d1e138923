"""Whether a URL may be saved: what the guard says of it now, and of where its name leads now.

Connecting checks again: names lead elsewhere later. So a name of which DNS says nothing, or nothing
in time, is saved; one that DNS does not know is not.
"""

import asyncio
import socket

from shared.egress.guard import AddressRefused, Guard
from shared.egress.resolver import GuardedResolver, UnknownName

_SECONDS = 3.0
_AT_ONCE = 32


class UrlCheck:
    """Asks DNS with a deadline, for a bounded number of URLs at once.

    Args:
        guard: decides on spellings and addresses.
        resolver: looks names up, and holds their addresses to the guard.
        seconds: the deadline, the wait for a turn included.
    """

    def __init__(self, guard: Guard, resolver: GuardedResolver, seconds: float = _SECONDS) -> None:
        self._guard = guard
        self._resolver = resolver
        self._seconds = seconds
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def check(self, url: str) -> None:
        """Never within a transaction: it waits for DNS.

        Raises:
            AddressRefused: says which rule, without a word of path and query.
        """
        name = self._guard.check_url(url)
        if name is None:
            return
        try:
            async with asyncio.timeout(self._seconds), self._turns:
                await self._resolver.resolve(name, 0, socket.AF_UNSPEC)
        except AddressRefused as error:
            raise AddressRefused(f"{name} leads to an address that is not public") from error
        except UnknownName as error:
            raise AddressRefused(f"{name} does not exist in DNS") from error
        except OSError:
            return

    async def close(self) -> None:
        """Let go of the resolver."""
        await self._resolver.close()
