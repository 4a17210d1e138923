"""The commands that a visitor runs first, as they run them."""

import json
import subprocess
import sys
from typing import Any


def relevo(*arguments: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, JSON from standard output, text from standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "relevo", *arguments, "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, json.loads(done.stdout), done.stderr


def test_the_demo_tells_the_whole_story() -> None:
    code, report, notes = relevo("demo")

    assert code == 0, notes
    table = report["table"]
    assert table["sent"] == table["delivered"] == table["returned"] + table["stayed"] > 0
    assert min(table["returned"], table["stayed"]) > 0
    assert table["verified"] > table["delivered"]
    assert (table["lost"], table["duplicated"]) == (0, 0)
    made_of = " + ".join(f"{n} {name}" for name, n in sorted(report["verified_by_type"].items()))
    assert sum(report["verified_by_type"].values()) == table["verified"]
    assert f"verified {table['verified']} = {made_of}:" in " ".join(report["explained"])


def test_the_bench_balances_its_ledger() -> None:
    loads = ("--load", "burst", "--orders", "300", "--load", "200", "--seconds", "1")
    two = ("--stores", "2", "--workers", "2")
    code, said, notes = relevo("bench", "path", *loads, "--load", "idle", *two)

    assert code == 0, notes
    assert list(said["loads"]) == ["burst", "200", "idle"]
    parts = {"connections", "ingest", "routing", "webhooks", "kafka", "postgres"}
    parts |= {"ingest-2", "routing-2", "webhooks-2"}
    for load, orders in (("burst", 300), ("200", 200)):
        figures = said["loads"][load]
        assert figures["sent"] == figures["delivered"] == figures["orders"] == orders
        assert (figures["lost"], figures["duplicated"], figures["unsigned"]) == (0, 0, 0)
        assert {"p50", "p95", "p99", "max"} == set(figures["latency_ms"])
        assert parts | {"generator", "sink"} <= set(figures["cpu_seconds_per_1000"])
        assert parts <= set(figures["peak_rss_mb"])
        assert figures["statements_per_order"] > 0
        assert figures["orders_per_second"] > 0
        # What PostgreSQL did is told by statement, and by how long it took.
        assert set(figures["statement_ms"]) == set(figures["statements"])
    assert parts <= set(said["loads"]["idle"]["core_percent"])
    assert said["balances"]
