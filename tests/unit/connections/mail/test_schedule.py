"""When mails are tried again."""

from services.connections.mail.schedule import next_wait, useful_seconds


def longest(low: float, high: float) -> float:
    return high


def shortest(low: float, high: float) -> float:
    return low


TWO_DAYS = 2 * 24 * 3600


def test_the_first_wait_is_half_a_minute_and_then_it_doubles_up_to_an_hour() -> None:
    waits = [next_wait(attempts, TWO_DAYS, longest) for attempts in range(1, 10)]
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert next_wait(1_000_000, TWO_DAYS, longest) == 3600


def test_half_of_each_wait_is_certain() -> None:
    assert [next_wait(n, TWO_DAYS, shortest) for n in (1, 2, 20)] == [15, 30, 1800]


def test_nothing_is_tried_when_its_link_is_over() -> None:
    assert useful_seconds("confirm_address") == TWO_DAYS
    assert useful_seconds("reset_password") == 30 * 60
    assert next_wait(50, 3600, longest) == 3600
    assert next_wait(50, 3599, longest) is None
