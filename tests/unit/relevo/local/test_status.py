"""`relevo status`: only what our own processes say counts."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from relevo.local.status_commands import read

ROOT = Path(__file__).parents[4]


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"checks": {"database": "ok"}}')

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def somebody() -> Iterator[int]:
    """The port of a server that says that it is ready."""
    server = HTTPServer(("127.0.0.1", 0), Ready)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def run(tmp_path: Path, somebody: int) -> Path:
    """A run folder in which routing is on that port."""
    urls = {"routing": f"http://127.0.0.1:{somebody}"}
    (tmp_path / "stack.json").write_text(json.dumps({"urls": urls}))
    return tmp_path


def test_status_takes_nobody_elses_readiness_for_ours(run: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as ours:
        (run / "routing.pid").write_text(str(ours.pid))
        said = read(run)["routing"]
        assert (said.ready, said.missing) == (
            False,
            "process: another process answers on its port",
        )
    (run / "routing.pid").write_text(str(os.getpid()))
    said = read(run)["routing"]
    assert (said.ready, said.missing) == (True, "")
    (run / "routing.pid").unlink()
    assert read(run)["routing"].missing == "process: it does not run"


def test_watched_through_a_pipe_it_says_each_change_in_a_line(run: Path) -> None:
    (run / "routing.pid").write_text(str(os.getpid()))
    with subprocess.Popen(
        [sys.executable, "-m", "relevo", "status", "--watch", "--directory", str(run)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as watching:
        assert watching.stdout is not None
        lines = (line.split(" ", 1)[1].rstrip() for line in watching.stdout)
        assert next(lines) == "routing: ready"
        (run / "routing.pid").unlink()
        assert next(lines) == "routing: not ready (process: it does not run)"
        (run / "stack.json").unlink()
        assert next(lines) == f"Nothing runs in {run}. `make up` starts it."
        watching.terminate()


def test_what_is_piped_is_not_broken_at_80_columns(tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 30)
    answer = subprocess.run(
        [sys.executable, "-m", "relevo", "status", "--directory", str(deep)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.stderr == f"Nothing runs in {deep}. `make up` starts it.\n"
