"""Two who change one connection at the same moment: one wins, the other knows where it stands."""

import asyncio
import random

import httpx
import pytest

from shared.contracts.connections_changed import ConnectionChanged
from shared.kafka.topics import CONNECTIONS_CHANGED
from tests.kit.client import Api, Party
from tests.kit.publishers import Topics

pytestmark = pytest.mark.engines
ROUNDS, ROUNDS_DEEP = 60, 1_000


async def change(party: Party, connection: str, seen: int, choice: str) -> httpx.Response:
    """One of the changes that there are, at the version that was seen."""
    await asyncio.sleep(random.uniform(0, 0.004))  # noqa: S311  chance, no secret
    path, condition = f"/v1/connections/{connection}", {"if-match": f'"{seen}"'}
    if choice in ("activate", "deactivate"):
        return await party.call("POST", f"{path}/{choice}", None, condition)
    body = {"support_owner": choice}
    return await party.call("PATCH", f"{path}/settings", body, condition)


@pytest.mark.parametrize(
    "rounds",
    [ROUNDS, pytest.param(ROUNDS_DEEP, marks=[pytest.mark.deep, pytest.mark.timeout(600)])],
)
async def test_of_two_changes_one_wins_and_the_other_gets_412_with_the_version(
    api: Api, topics: Topics, rounds: int
) -> None:
    three_pl, brand, added = await api.connected()
    connection = added["connection"]["id"]
    both = 0
    for _ in range(rounds):
        now = await brand.get(f"/v1/connections/{connection}")
        switch = "deactivate" if now["state"] == "active" else "activate"
        owner = "brand" if now["settings"]["support_owner"] == "three_pl" else "three_pl"
        pairs = [(switch, owner), (owner, owner), (switch, switch)]
        choices = random.choice(pairs)  # noqa: S311  as above
        answers = await asyncio.gather(
            *(
                change(party, connection, now["version"], choice)
                for party, choice in zip((three_pl, brand), choices, strict=True)
            )
        )
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [200, 412], [answer.text for answer in answers]
        lost = next(answer for answer in answers if answer.status_code == 412)
        assert lost.json()["version"] == now["version"] + 1
        assert lost.headers["etag"] == f'"{now["version"] + 1}"'
        both += 1
    records = await topics.all(CONNECTIONS_CHANGED.name, at_least=both + 2)
    versions = [ConnectionChanged.model_validate_json(record.value).version for record in records]
    # Every version is told of once, in order.
    assert versions == list(range(1, both + 3))
