"""Guessing passwords: tries are counted by network, and by network and what it tries to get into.

They are counted before the password is compared, so that many at once are no way around it. An
account that somebody else tries is not shut for its owner, who comes from another network. Who has
many networks is counted by account too, which shuts it for devices that never logged in to it.
"""

from collections.abc import Sequence
from datetime import timedelta

from services.connections.people import store
from services.connections.people.limits import (
    PERIOD,
    STRANGE_PERIOD,
    Limit,
    limit_of_strange_devices,
    limits_of,
)
from shared.failures import Refused
from shared.postgres.database import Database


class Guessing:
    """Counts tries over all processes.

    Args:
        database: connections' schema.
        most_of_network: how many tries of one network in `PERIOD`.
    """

    def __init__(self, database: Database, most_of_network: int) -> None:
        self._database = database
        self._most_of_network = most_of_network

    async def count(self, network: str, target: str) -> None:
        """Count a try that is about to be made.

        Raises:
            Refused: `too_many_attempts`, with `retry_after` in seconds.
        """
        await self.count_for(limits_of(network, target, self._most_of_network), PERIOD)

    async def count_for(self, limits: Sequence[Limit], period: timedelta) -> None:
        """Count a try of anything that may be tried so many times in a period.

        Raises:
            Refused: `too_many_attempts`, with `retry_after` in seconds.
        """
        async with self._database.session() as session:
            wait = await store.count_login_attempt(session, limits, period)
        if wait is not None:
            raise Refused("too_many_attempts", retry_after=wait)

    async def count_strange_device(self, email: str) -> None:
        """Count a log-in from a device that the person, if there is one, never logged in from.

        Raises:
            Refused: `too_many_attempts`, with `retry_after` in seconds.
        """
        await self.count_for([limit_of_strange_devices(email)], STRANGE_PERIOD)

    async def forgive(self, network: str, target: str, *, strange_device: bool = False) -> None:
        """The password was right: what was tried before it no longer counts.

        Of a `strange_device` only this try: the others of its account may be anybody's.
        """
        limits: Sequence[Limit] = limits_of(network, target, self._most_of_network)
        if strange_device:
            limits = (limit_of_strange_devices(target), *limits)
        async with self._database.session() as session:
            await store.forget_login_attempts(session, limits)
