"""What is killed leaves nothing running, and the next start works."""

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from relevo.local.stack import ROOT, Stack
from relevo.operate.status import health
from relevo.waiting import wait_for
from tests.kit.engines import remove_leftovers
from tests.kit.terminal import Terminal, living

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]
# Nobody waits for more than 20 on a quiet machine.
_GONE_SECONDS, _START_SECONDS = 60.0, 120.0
_MAKE = ("make", "--old-file", ".venv/.synced")
_HANGS = """
import time
from pathlib import Path

import pytest


@pytest.mark.parametrize("number", [1, 2])
def test_that_hangs(engines, number):
    (Path(__file__).parent / f"ready-{number}").touch()
    time.sleep(600)
"""


@pytest.fixture
def started() -> Iterator[list[Terminal]]:
    terminals: list[Terminal] = []
    yield terminals
    for terminal in terminals:
        terminal.end()


def assert_gone(processes: list[psutil.Process]) -> None:
    wait_for(lambda: not living(processes), _GONE_SECONDS)
    assert living(processes) == []


# `make newcomer` tries the other ways.
@pytest.mark.parametrize("kill", [Terminal.close], ids=["the terminal"])
def test_up_that_is_killed_is_gone_and_starts_again(
    tmp_path: Path, started: list[Terminal], kill: Callable[[Terminal], None]
) -> None:
    run = tmp_path / "run"
    up = Terminal(*_MAKE, "up", f"ARGS=--only routing --directory {run}", cwd=ROOT)
    started.append(up)
    up.wait_for(run / "stack.json", _START_SECONDS)
    processes = up.processes()
    assert len(processes) >= 5  # make, relevo, Kafka, Postgres, routing
    kill(up)
    assert_gone(processes)

    again = Stack(run, names=["routing"])
    try:
        again.start()
        assert health(again.urls["routing"])[0]
    finally:
        again.remove()


@pytest.mark.parametrize("kill", [Terminal.kill, Terminal.kill_group], ids=["make", "all of it"])
def test_a_run_of_the_tests_that_is_killed_is_gone_with_its_engines(
    tmp_path: Path, started: list[Terminal], kill: Callable[[Terminal], None]
) -> None:
    hanging = tmp_path / "test_hanging.py"
    hanging.write_text(_HANGS)
    options = f"-c pyproject.toml --rootdir . -p tests.conftest -p no:cacheprovider {hanging}"
    run = Terminal(*_MAKE, "test", f"ARGS={options}", cwd=ROOT)
    started.append(run)
    for number in (1, 2):
        run.wait_for(tmp_path / f"ready-{number}", _START_SECONDS)
    processes = run.processes()
    commands = "\n".join(living(processes))
    assert all(name in commands for name in ("tests.kit.keeper", "java", "postgres"))
    (folder,) = {
        Path(tempfile.gettempdir()) / f"relevo-test-{pid}"
        for pid in re.findall(r"relevo-test-(\d+)", commands)
    }
    assert folder.exists()
    kill(run)
    assert_gone(processes)
    assert not folder.exists()


def test_what_a_run_left_whose_keeper_was_killed_too_is_removed(tmp_path: Path) -> None:
    folder = Path(tempfile.gettempdir()) / f"relevo-test-{2**22 + 1}"
    (folder / "engines" / "kafka-data").mkdir(parents=True)
    remove_leftovers()
    try:
        assert not folder.exists()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
