"""The notices that services raised, as they stand on the topic."""

from shared.contracts.notices import NoticeRaised
from shared.kafka.topics import NOTICES
from tests.kit.publishers import Topics


async def notices(topics: Topics, at_least: int = 0) -> list[NoticeRaised]:
    """All of them, of an account in order, once there are so many.

    Raises:
        AssertionError: fewer in time; one that was not published under its account.
    """
    records = await topics.all(NOTICES.name, at_least)
    found = [NoticeRaised.model_validate_json(record.value) for record in records]
    assert [record.key.decode() for record in records] == [str(one.account_id) for one in found]
    return found
