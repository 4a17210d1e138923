"""When reading stops instead of giving records up."""

import pytest

from shared.kafka.brake import Brake, Braked, BrakeLimits


def fails(sources: str) -> list[tuple[str, bool]]:
    return [(f"{source}:{n}", True) for n, source in enumerate(sources)]


def works(sources: str) -> list[tuple[str, bool]]:
    return [(f"{source}:{n}", False) for n, source in enumerate(sources)]


def brake(run: int = 4, ratio: float = 0.5) -> Brake:
    return Brake("orders.received", BrakeLimits(run, ratio, window=20))


def test_a_run_of_failures_of_several_senders_stops_the_reading() -> None:
    stopped = brake()
    with pytest.raises(Braked, match="RELEVO_BRAKE_RUN=0"):
        stopped.judge(fails("abab"))
    assert stopped.is_on


def test_a_run_counts_across_batches_and_ends_with_a_record_that_works() -> None:
    running = brake(ratio=1)
    running.judge(fails("aba"))
    running.judge(works("c"))
    running.judge(fails("aba"))
    with pytest.raises(Braked):
        running.judge(fails("b"))


def test_one_sender_alone_stops_nobody() -> None:
    running = brake()
    running.judge(fails("a" * 19))
    assert not running.is_on


def test_too_large_a_share_of_the_senders_stops_the_reading() -> None:
    running = brake()
    running.judge(works("abcd") + fails("a") + works("c") + fails("a") + works("d") + fails("a"))
    with pytest.raises(Braked):
        running.judge(works("c") + fails("b"))


def test_what_stopped_it_is_not_counted_and_comes_again() -> None:
    stopped = brake()
    for _ in range(2):
        with pytest.raises(Braked):
            stopped.judge(fails("abab"))
    stopped.judge(works("abab"))
    assert not stopped.is_on


def test_it_can_be_switched_off() -> None:
    brake(run=0).judge(fails("ab" * 50))
