"""`relevo logs`: of all services by time, or of one, and on as they are written."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from relevo.local.log_commands import app, in_order

ROOT = Path(__file__).parents[4]


def line(second: int, event: str) -> str:
    return json.dumps({"event": event, "timestamp": f"2026-11-29T13:00:{second:02}.000000Z"})


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder in which two services and an engine have written."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "routing.log").write_text(
        f"{line(1, 'one')}\nTraceback\n{line(4, 'four')}\n"
    )
    (tmp_path / "logs" / "ingest.log").write_text(f"{line(2, 'two')}\n{line(3, 'three')}\n")
    (tmp_path / "kafka.log").write_text("WARN something\n")
    return tmp_path


def said(*arguments: str) -> list[str]:
    answer = CliRunner().invoke(app, list(arguments))
    assert answer.exit_code == 0
    return answer.stdout.splitlines()


def test_all_services_are_in_the_order_of_time(run: Path) -> None:
    assert said("--directory", str(run)) == [
        f"routing     | {line(1, 'one')}",
        "routing     | Traceback",
        f"ingest      | {line(2, 'two')}",
        f"ingest      | {line(3, 'three')}",
        f"routing     | {line(4, 'four')}",
    ]


def test_the_newest_lines_are_of_all_services(run: Path) -> None:
    assert said("--directory", str(run), "--lines", "2") == [
        f"ingest      | {line(3, 'three')}",
        f"routing     | {line(4, 'four')}",
    ]


def test_one_alone_is_as_it_was_written_engines_too(run: Path) -> None:
    assert said("kafka", "--directory", str(run)) == ["WARN something"]


def test_lines_that_have_no_time_keep_their_order() -> None:
    lines = [("kafka", "b"), ("kafka", "a"), ("postgres", "[1]")]
    assert in_order(lines) == lines


def test_an_unknown_service_is_told_which_there_are(run: Path) -> None:
    answer = CliRunner().invoke(app, ["rooting", "--directory", str(run)])
    assert answer.exit_code == 1
    answer = CliRunner().invoke(app, ["--directory", str(run / "none")])
    assert answer.exit_code == 1
    with logs("rooting", run, stderr=subprocess.PIPE) as process:
        _, errors = process.communicate(timeout=60)
    names = "ingest, kafka, routing"
    assert errors == f"There is no log of rooting in {run}. There are: {names}\n"


@contextmanager
def logs(*arguments: str | Path, stderr: int | None = None) -> "Iterator[subprocess.Popen[str]]":
    *arguments_, directory = map(str, arguments)
    with subprocess.Popen(
        [sys.executable, "-m", "relevo", "logs", *arguments_, "--directory", directory],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_followed_it_goes_on_over_a_restart_and_a_new_file(run: Path) -> None:
    log = run / "logs" / "routing.log"
    with logs("-f", "routing", run) as process:
        assert process.stdout is not None
        lines = (line.rstrip("\n") for line in process.stdout)
        assert [next(lines) for _ in range(3)] == [line(1, "one"), "Traceback", line(4, "four")]
        with log.open("a") as file:
            file.write(line(5, "half")[:10])
            file.flush()
            file.write(f"{line(5, 'half')[10:]}\n")
        assert next(lines) == line(5, "half")
        log.unlink()
        log.write_text("anew\n")
        assert next(lines) == "anew"


def test_followed_it_takes_in_a_service_that_comes_later(run: Path) -> None:
    with logs("-f", run) as process:
        assert process.stdout is not None
        assert len([process.stdout.readline() for _ in range(5)]) == 5
        (run / "logs" / "webhooks.log").write_text("started\n")
        assert process.stdout.readline() == "webhooks    | started\n"
