"""Per-key order in the relay."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.outbox import _waves


@given(st.lists(st.sampled_from("abc"), max_size=40))
def test_waves_hold_each_key_once_and_keep_its_order(keys: list[str]) -> None:
    rows: list[Any] = [{"id": n, "topic": "t", "key": key} for n, key in enumerate(keys)]
    waves = _waves(rows)
    for wave in waves:
        assert len({row["key"] for row in wave}) == len(wave)
    for key in "abc":
        sent = [row["id"] for wave in waves for row in wave if row["key"] == key]
        assert sent == [row["id"] for row in rows if row["key"] == key]
    assert sum(map(len, waves)) == len(rows)
