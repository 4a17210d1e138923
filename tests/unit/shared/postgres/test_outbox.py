"""Per-key order in the relay."""

from hypothesis import given
from hypothesis import strategies as st

from shared.kafka.message import Message
from shared.postgres.outbox import Row, _waves


@given(st.lists(st.sampled_from("abc"), max_size=40))
def test_waves_hold_each_key_once_and_keep_its_order(keys: list[str]) -> None:
    rows = [Row(n, Message("t", key, {}, b""), 0.0) for n, key in enumerate(keys)]
    waves = _waves(rows)
    for wave in waves:
        assert len({row.message.key for row in wave}) == len(wave)
    for key in "abc":
        sent = [row.id for wave in waves for row in wave if row.message.key == key]
        assert sent == [row.id for row in rows if row.message.key == key]
    assert sum(map(len, waves)) == len(rows)
