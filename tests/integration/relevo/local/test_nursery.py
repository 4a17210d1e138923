"""Children that are forks: nothing of one another in them, and nothing left of them."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from relevo.local.nursery import Nursery
from relevo.local.processes import lives, stop
from relevo.waiting import wait_for

ROOT = Path(__file__).parents[4]
CHILD = """
import json, os, signal, sys
import uuid_utils
print(json.dumps({
    "pid": os.getpid(), "session": os.getsid(0), "folder": os.getcwd(), "name": __name__,
    "environment": dict(os.environ), "id": str(uuid_utils.uuid4()),
    "loaded": "uvicorn" in sys.modules,
}), flush=True)
signal.pause()
"""


@pytest.fixture
def nursery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nursery]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "child.py").write_text(CHILD)
    (tmp_path / "broken.py").write_text("raise RuntimeError('no such thing')\n")
    nursery = Nursery(tmp_path / "nursery.log")
    yield nursery
    nursery.stop()


def _said(log: Path) -> dict[str, object]:
    line = wait_for(lambda: log.exists() and "\n" in (text := log.read_text()) and text, 30)
    assert line, log
    said: dict[str, object] = json.loads(line)
    return said


def test_each_child_is_a_process_of_its_own(nursery: Nursery, tmp_path: Path) -> None:
    logs = [tmp_path / "first.log", tmp_path / "second.log"]
    children = [
        nursery.start("child", log, {"WHO": log.stem, "PATH": os.defpath}, tmp_path) for log in logs
    ]
    said = [_said(log) for log in logs]
    for child, of_child, log in zip(children, said, logs, strict=True):
        assert of_child["pid"] == of_child["session"] == child.pid
        assert of_child["folder"] == str(tmp_path)
        assert of_child["name"] == "__main__"
        assert of_child["environment"] == {"WHO": log.stem, "PATH": os.defpath}
    # Forks that made the same ids would lose orders.
    assert said[0]["id"] != said[1]["id"]
    if sys.platform == "linux":
        assert said[0]["loaded"]
        assert "child" in " ".join(children[0].cmdline()).split()

    stop(children[0], signal.SIGTERM, 10)
    assert [lives(child) for child in children] == [False, True]
    nursery.stop()
    assert wait_for(lambda: not lives(children[1]), 10), "what is left dies with who made it"


def test_a_child_that_cannot_run_says_why_in_its_log(nursery: Nursery, tmp_path: Path) -> None:
    log = tmp_path / "broken.log"
    child = nursery.start("broken", log, {}, tmp_path)
    assert wait_for(lambda: not lives(child), 30)
    assert "RuntimeError: no such thing" in log.read_text()


def test_after_its_death_it_starts_again(nursery: Nursery, tmp_path: Path) -> None:
    first = nursery.start("child", tmp_path / "first.log", {}, tmp_path)
    if (forked_by := first.parent()) is not None and forked_by.pid != os.getpid():
        forked_by.kill()
        assert wait_for(lambda: not lives(first), 10)
        psutil.wait_procs([forked_by], 10)
    second = nursery.start("child", tmp_path / "second.log", {}, tmp_path)
    assert _said(tmp_path / "second.log")["pid"] == second.pid


@pytest.mark.skipif(sys.platform != "linux", reason="services are forks on Linux alone")
def test_one_that_cannot_load_is_told_with_its_log(nursery: Nursery, tmp_path: Path) -> None:
    (tmp_path / "uvloop.py").write_text("raise RuntimeError('half installed')\n")
    with pytest.raises(ChildProcessError, match=r"has ended; see .*nursery\.log"):
        nursery.start("child", tmp_path / "child.log", {}, tmp_path)
    assert "half installed" in (tmp_path / "nursery.log").read_text()
