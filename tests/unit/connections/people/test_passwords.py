"""Passwords are kept as a hash."""

import asyncio
from collections import Counter

from services.connections.people.passwords import Passwords
from shared.failures import Refused


async def test_passwords_verify_by_their_hash_alone() -> None:
    passwords = Passwords()
    hashed = await passwords.hash("correct horse battery")
    assert hashed.startswith("$argon2id$")
    assert await passwords.verify(hashed, "correct horse battery")
    assert not await passwords.verify(hashed, "Correct horse battery")
    assert not await passwords.verify("no hash at all", "correct horse battery")
    assert not await passwords.verify(None, "nobody has this password")
    await passwords.close()


async def test_many_at_once_of_one_network_keep_no_other_network_waiting() -> None:
    passwords = Passwords()
    right = await passwords.hash("the right one")

    async def attempt(network: str) -> str:
        try:
            return str(await passwords.verify(right, "the right one", network))
        except Refused as refused:
            return refused.code

    tries = [attempt("203.0.113.0") for _ in range(20)]
    *storm, other = await asyncio.gather(*tries, attempt("198.51.100.0"))
    assert Counter(storm) == {"True": 16, "busy": 4}
    assert other == "True"
    assert await attempt("203.0.113.0") == "True"
    await passwords.close()
