"""The token bucket."""

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.admission import Bucket


def test_a_burst_passes_and_then_the_rate_holds() -> None:
    bucket = Bucket(rate=10, burst=3, tokens=3, at=0)
    assert [bucket.take(0) for _ in range(3)] == [0, 0, 0]
    assert bucket.take(0) == 0.1
    assert bucket.take(0.1) == 0
    assert bucket.take(0.1) > 0


@given(st.lists(st.floats(0, 1), max_size=200))
def test_never_more_than_the_burst_and_what_time_added(gaps: list[float]) -> None:
    bucket = Bucket(rate=5, burst=4, tokens=4, at=0)
    now = 0.0
    passed = 0
    for gap in gaps:
        now += gap
        passed += bucket.take(now) == 0
        assert passed <= 4 + now * 5 + 1e-6
