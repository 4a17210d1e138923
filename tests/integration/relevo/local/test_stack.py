"""The stack's own life, with one service for all of them."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from relevo.local.stack import Stack, StackError
from relevo.operate.status import health
from relevo.waiting import wait_for

pytestmark = [pytest.mark.engines, pytest.mark.timeout(180)]
_ROOT = Path(__file__).parents[4]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path / "run", names=["routing"])
    try:
        yield stack
    finally:
        stack.remove()


async def _log_ins(stack: Stack) -> set[str]:
    session = await asyncpg.connect(stack.dsn)
    rows = await session.fetch(
        "SELECT usename FROM pg_stat_activity WHERE application_name LIKE 'relevo-%'"
    )
    await session.close()
    return {row["usename"] for row in rows}


def test_a_stack_starts_survives_a_crash_and_starts_again_on_its_data(stack: Stack) -> None:
    stack.start()
    url = stack.urls["routing"]
    checks = ("database", "kafka", "topics", "consumers")
    assert health(url) == (True, dict.fromkeys(checks, "ok"))
    state = json.loads((stack.directory / "stack.json").read_text())
    assert state["urls"] == stack.urls
    assert state["pids"] == stack.pids()
    assert set(state["pids"]) == {"routing", "kafka", "postgres"}

    assert asyncio.run(_log_ins(stack)) == {"relevo_routing"}

    stack.kill("routing")
    assert not health(url)[0]
    stack.start_service("routing")
    assert health(url)[0]

    pids, keys = stack.pids(), stack.secrets
    stack.stop()
    assert not any(map(psutil.pid_exists, pids.values()))
    assert not (stack.directory / "stack.json").exists()

    again = Stack(stack.directory, names=["routing"])
    try:
        again.start()
        assert health(again.urls["routing"])[0]
        assert again.secrets == keys
    finally:
        again.stop()


def test_a_second_start_in_one_folder_is_refused_and_leaves_the_first_alone(stack: Stack) -> None:
    stack.start()
    second = Stack(stack.directory, names=["routing"])
    with pytest.raises(StackError, match="Another Relevo runs in"):
        second.start()
    second.stop()
    assert health(stack.urls["routing"])[0]
    assert (stack.directory / "stack.json").exists()


def test_what_ended_by_itself_is_started_again(stack: Stack) -> None:
    stack.start()
    assert stack.revive() == []
    for pid in stack.pids().values():
        os.kill(pid, signal.SIGKILL)
    assert wait_for(lambda: not stack.pids(), 10)
    assert stack.revive() == ["postgres", "kafka", "routing"]
    stack.wait_ready()


def test_a_service_that_cannot_start_says_why(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "run", {"RELEVO_LOG_FORMAT": "runes"}, names=["routing"])
    try:
        with pytest.raises(StackError, match=r"routing is not ready(.|\n)*log_format"):
            stack.start()
    finally:
        stack.remove()


def test_secrets_are_readable_to_their_owner_alone(stack: Stack) -> None:
    assert stack.operator_key
    assert (stack.directory / "secrets.env").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_up_ends_with_all_its_children(tmp_path: Path, how: signal.Signals) -> None:
    run = tmp_path / "run"
    # As on a terminal: what is started in the background inherits that SIGINT is ignored.
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    command = subprocess.Popen(
        [sys.executable, "-m", "relevo", "up", "--only", "routing", "--directory", str(run)],
        cwd=_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    signal.signal(signal.SIGINT, inherited)
    try:
        assert wait_for(lambda: (run / "stack.json").exists() or command.poll() is not None, 60)
        pids = json.loads((run / "stack.json").read_text())["pids"]
        command.send_signal(how)
        assert command.wait(90) == 0
    finally:
        command.kill()
        command.wait()
    assert len(pids) == 3
    assert not any(map(psutil.pid_exists, pids.values()))
    assert list(run.glob("*.pid")) == []
