"""Fetches wait for more records in a crowd, and in a crowd alone."""

import pytest

from shared.kafka.gathering import Fetch, Gathering

ALONE, CROWD = Fetch(1, 1_000), Fetch(65_536, 15)


def asked(gathering: Gathering, per_second: float, seconds: float, start: float = 0.0) -> Fetch:
    """The last fetch after records that come one by one."""
    fetch = ALONE
    for n in range(int(per_second * seconds)):
        fetch = gathering.found(1, start + n / per_second)
    return fetch


@pytest.mark.parametrize(
    ("per_second", "fetch"), [(1, ALONE), (20, ALONE), (30, ALONE), (60, CROWD), (5_000, CROWD)]
)
def test_what_is_asked_for_at_a_rate(per_second: float, fetch: Fetch) -> None:
    assert asked(Gathering(ALONE, CROWD), per_second, seconds=3) == fetch


def test_a_longer_wait_is_for_fewer() -> None:
    long = Fetch(65_536, 100)
    assert asked(Gathering(ALONE, long), 12, seconds=3) == long
    assert asked(Gathering(ALONE, long), 2, seconds=3) == ALONE


def test_a_crowd_that_thins_out_stays_one_until_there_are_clearly_fewer() -> None:
    gathering = Gathering(ALONE, CROWD)
    assert asked(gathering, 60, 1) == CROWD
    assert asked(gathering, 32, 1, start=1.0) == CROWD
    assert asked(gathering, 16, 1, start=2.0) == ALONE
    assert asked(gathering, 32, 1, start=3.0) == ALONE


def test_a_large_batch_is_a_crowd_and_silence_ends_it() -> None:
    gathering = Gathering(ALONE, CROWD)
    assert gathering.found(500, 0.0) == CROWD
    assert gathering.found(0, 1.0) == ALONE
    assert gathering.found(1, 1.1) == ALONE
