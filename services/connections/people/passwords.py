"""Passwords: argon2id (RFC 9106), hashed beside the event loop, a few at a time."""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shared.failures import Refused

# Each hash takes 64 MiB and a core for some 50 ms: two at a time, and no endless queue.
_AT_ONCE = 2
_MOST_WAITING = 64
# Of one network: many at once from there are no reason for others to wait.
_MOST_OF_NETWORK = 16


class Passwords:
    """Hashes and verifies passwords in threads of its own."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="argon2")
        self._under_way = 0
        self._of_network: Counter[str] = Counter()
        # Compared with when there is no account, so that the time taken tells nothing.
        self._nobody = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """The argon2id hash, in the PHC string format.

        Raises:
            Refused: `busy`: too many log-ins at once.
        """
        return str(await self._run(self._hasher.hash, password))

    async def verify(
        self, password_hash: str | None, password: str, network: str | None = None
    ) -> bool:
        """Whether the password is right; None (no account, no password yet) takes as long.

        Args:
            password_hash: what it is compared with.
            password: as typed.
            network: where it comes from, if anybody there may ask.

        Raises:
            Refused: `busy`: too many log-ins at once, of all or of this network.
        """
        if network is None:
            matches = await self._run(self._matches, password_hash or self._nobody, password)
            return bool(matches) and password_hash is not None
        if self._of_network[network] >= _MOST_OF_NETWORK:
            raise Refused("busy")
        self._of_network[network] += 1
        try:
            return await self.verify(password_hash, password)
        finally:
            self._of_network[network] -= 1
            # A key for each network that ever asked would be a leak.
            self._of_network += Counter()

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: object, *arguments: str) -> object:
        if self._under_way >= _MOST_WAITING:
            raise Refused("busy")
        self._under_way += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, work, *arguments)  # type: ignore[arg-type]
        finally:
            self._under_way -= 1

    async def close(self) -> None:
        """Let go of the threads; what waits is dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)
