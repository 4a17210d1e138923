"""What two revisions in turn are compared by: the ratio of the medians, of what both measure."""

import json
from pathlib import Path
from typing import Any

import pytest

from relevo.bench.compare import rows
from relevo.bench.path import Plan
from relevo.bench.plot import costs, plot


def run(per_second: float, cpu: dict[str, float], idle: float | None = None) -> dict[str, Any]:
    share = {"others": 1.0, "stolen": 0.5}
    burst = {
        "orders_per_second": per_second,
        "latency_ms": {"p50": 10.0, "p99": 20.0},
        "cpu_seconds_per_1000": cpu,
        "machine_percent": share,
    }
    loads: dict[str, Any] = {"burst": burst}
    if idle is not None:
        loads["idle"] = {"core_percent": {"total": idle}, "machine_percent": share}
    return {"loads": loads}


def test_the_ratio_is_of_the_medians_and_keeps_every_run() -> None:
    before = [run(100, {"total": 2.0}), run(900, {"total": 3.0}), run(200, {"total": 4.0})]
    after = [run(400, {"total": 1.0}), run(500, {"total": 1.5}), run(300, {"total": 9.0})]
    found = {(row["load"], row["figure"]): row for row in rows(before, after)}
    assert found["burst", "orders_per_second"] == {
        "load": "burst",
        "figure": "orders_per_second",
        "before": [100, 900, 200],
        "after": [400, 500, 300],
        "ratio": 2.0,
    }
    assert found["burst", "cpu_seconds_per_1000 total"]["ratio"] == 0.5
    assert found["burst", "processor % others, stolen"]["before"] == [1.5, 1.5, 1.5]


def test_what_only_one_of_them_measures_is_left_out() -> None:
    before = [run(100, {"ingest": 1.0, "total": 1.0})]
    after = [run(100, {"console": 1.0, "total": 1.0}, idle=9.0)]
    names = {(row["load"], row["figure"]) for row in rows(before, after)}
    assert ("burst", "cpu_seconds_per_1000 total") in names
    assert not names & {
        ("burst", "cpu_seconds_per_1000 ingest"),
        ("burst", "cpu_seconds_per_1000 console"),
        ("idle", "core_percent total"),
    }


def test_nothing_to_divide_by_has_no_ratio() -> None:
    before, after = [run(0, {"total": 0.0})], [run(1, {"total": 1.0})]
    found = {(row["load"], row["figure"]): row["ratio"] for row in rows(before, after)}
    assert found["burst", "orders_per_second"] is None


def test_loads_on_one_stack_share_no_order() -> None:
    plan = Plan(("burst", "300", "300"), orders=20_000, seconds=20)
    loads = [plan.load(number) for number in range(3)]
    assert [load.rate for load in loads] == [None, 300.0, 300.0]
    assert [load.orders for load in loads] == [20_000, 6_000, 6_000]
    ids = [set(range(load.first_id, load.first_id + load.orders)) for load in loads]
    assert len(set.union(*ids)) == sum(map(len, ids))


def test_a_load_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="brisk"):
        Plan(("brisk",)).load(0)


def test_the_plots_are_of_the_medians_and_come_out_the_same_twice(tmp_path: Path) -> None:
    cpu = {"ingest": 1.0, "kafka": 0.5, "console": 0.25, "sink": 0.25, "total": 2.0}
    before = [run(100, {**cpu, "ingest": 3.0}), run(100, {**cpu, "ingest": 2.0})]
    found = rows(before, [run(200, cpu), run(200, cpu)])
    assert costs(found, "burst", "before") == {"ingest": 2.5, "kafka": 0.5, "others": 0.5}
    for load in ("300", "100"):
        found += [{**row, "load": load} for row in found if row["load"] == "burst"]
    kept = tmp_path / "path.json"
    kept.write_text(json.dumps({"rows": found}))
    drawn = plot(kept, tmp_path)
    first = [file.read_text() for file in drawn]
    assert "burst, before" in first[0]
    assert "300/s" in first[1]
    assert [file.read_text() for file in plot(kept, tmp_path)] == first
