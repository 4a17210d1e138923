"""Passwords are kept as a hash."""

from services.connections.people.passwords import Passwords


async def test_passwords_verify_by_their_hash_alone() -> None:
    passwords = Passwords()
    hashed = await passwords.hash("correct horse battery")
    assert hashed.startswith("$argon2id$")
    assert await passwords.verify(hashed, "correct horse battery")
    assert not await passwords.verify(hashed, "Correct horse battery")
    assert not await passwords.verify("no hash at all", "correct horse battery")
    assert not await passwords.verify(None, "nobody has this password")
    await passwords.close()
