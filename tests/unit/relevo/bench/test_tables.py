"""The benches' tables show what the benches measured, and commands refuse what they cannot do."""

import io

import pytest
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner

from relevo.bench import commands, path_commands

LATENCY = {"p50": 1.0, "p95": 2.0, "p99": 3.0, "max": 4.0}
MACHINE = {"cpu": "EPYC", "cores": 2}


def text_of(table: Table) -> str:
    shown = io.StringIO()
    Console(file=shown, width=200).print(table)
    return shown.getvalue()


def test_the_consoles_table_has_pages_paint_and_streams() -> None:
    figures = {
        "orders": 100_000,
        "pages_ms": {"Orders tab": LATENCY},
        "first_paint_ms": {**LATENCY, "p50": 424.0},
        "streams": 500,
        "stream_ms": {**LATENCY, "p50": 553.0},
        "first_bytes": 31_000,
        "later_bytes": 9_000,
        "script_bytes": 48_000,
        "machine": MACHINE,
    }
    shown = text_of(commands._console_table(figures))
    for wanted in ("1.0 / 2.0 / 3.0 / 4.0", "424.0 / 2.0", "553.0 / 2.0"):
        assert wanted in shown


def test_a_comparison_shows_both_sides_and_the_ratio() -> None:
    row = {"load": "300", "figure": "latency_ms p50", "before": [20.0, 30.0], "after": [5.0]}
    figures = {
        "revisions": ["main (abc)", "here (def)"],
        "rounds": 2,
        "rows": [{**row, "ratio": 0.2}, {**row, "figure": "x", "ratio": None}],
        "machine": MACHINE,
    }
    shown = text_of(path_commands._compare_table(figures))
    for wanted in ("main (abc)", "here (def)", "20, 30", "0.20"):
        assert wanted in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("path", "--load", "brisk"), "brisk"),
        (("path", "--load", "-5"), "-5"),
        (("path", "--load", "300", "--load", "300"), "each load once"),
        (("growth", "--orders", "5000", "--orders", "2000"), "more than the one before"),
        (("compare", "no-such-revision"), "no-such-revision"),
        (("plot", "not-there.json"), "not-there.json"),
    ],
)
def test_what_cannot_be_measured_is_said_before_anything_starts(
    arguments: tuple[str, ...], said: str
) -> None:
    result = CliRunner().invoke(path_commands.app, arguments)
    assert result.exit_code in (1, 2)
    assert said in " ".join(result.output.replace("│", " ").split())
