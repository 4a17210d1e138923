"""`relevo reset`: what `relevo up` made goes, what others put there stays."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from relevo.local import engines
from relevo.local.folders import lock
from relevo.local.reset_commands import app


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run folder with data, and data of Postgres elsewhere when we are root."""
    monkeypatch.setattr(engines, "_DISK", tmp_path / "disk")
    monkeypatch.setattr(engines, "_MEMORY", tmp_path / "memory")
    run = tmp_path / "run"
    for folder in ("kafka-data", "logs", "mail"):
        (run / folder).mkdir(parents=True)
        (run / folder / "some").write_text("x")
    for file in ("lock", "secrets.env", "kafka.log", "postgres.password", "server.properties"):
        (run / file).write_text("x")
    (run / "routing.pid").write_text("")
    engines.Postgres(run).data.mkdir(parents=True)
    return run


def reset(run: Path, *arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(app, ["--directory", str(run), *arguments], input=answer)


def test_everything_that_a_start_made_goes(run: Path) -> None:
    data = engines.Postgres(run).data
    said = reset(run, "--yes")
    assert said.exit_code == 0
    assert not run.exists()
    assert not data.exists()


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("", 1)])
def test_without_a_yes_it_asks(run: Path, answer: str, code: int) -> None:
    assert reset(run, answer=answer).exit_code == code
    assert run.exists() == bool(code)


def test_what_somebody_else_put_there_stays(run: Path) -> None:
    (run / "notes.txt").write_text("mine")
    assert reset(run, "--yes").exit_code == 0
    assert [path.name for path in run.iterdir()] == ["notes.txt"]


def test_a_folder_of_something_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    assert reset(tmp_path, "--yes").exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


def test_it_refuses_while_it_runs(run: Path) -> None:
    before = sorted(run.iterdir())
    held = lock(run)
    assert held is not None
    with held:
        assert reset(run, "--yes").exit_code == 1
    assert sorted(run.iterdir()) == before
