"""Servers that are away, and files that cannot be: said in a line, with exit code 1."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from relevo.operate import patience
from relevo.terminal import disk_fault

ROOT = Path(__file__).parents[4]
NOBODY = "127.0.0.1:9"
UNREADABLE = (
    "The DSN cannot be read: postgresql://user:password@host:port/database is wanted. "
    "Quote what is special in the password (%2F).\n"
)


def relevo(*arguments: str) -> tuple[int, str]:
    """The exit code, and what it said to standard error."""
    answer = subprocess.run(
        [sys.executable, "-m", "relevo", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.stdout == ""
    return answer.returncode, answer.stderr


async def test_it_is_said_once_a_second_until_the_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(patience, "monotonic", lambda: now)
    monkeypatch.setattr(patience, "sleep", sleep)
    said: list[str] = []
    waiting = patience.Patience("Postgres at db:5432", 2.5, said.append)

    async def try_on() -> None:
        while True:
            await waiting.bear(ConnectionRefusedError())

    with pytest.raises(ConnectionRefusedError):
        await try_on()
    assert said == [
        "Postgres at db:5432: connection refused, 1 s of 2.5",
        "Postgres at db:5432: connection refused, 2 s of 2.5",
    ]
    assert now == pytest.approx(102.5, abs=0.2)


def test_postgres_that_stays_away_ends_the_command() -> None:
    dsn = f"postgresql://owner:hidden@{NOBODY}/relevo"
    said = f"Postgres at {NOBODY}: connection refused. Nothing has changed.\n"
    assert relevo("migrate", "--dsn", dsn, "--wait", "0") == (1, said)


def test_kafka_that_stays_away_ends_the_command() -> None:
    said = f"Kafka at {NOBODY}: no broker answers\n"
    assert relevo("topics", "--kafka", NOBODY, "--wait", "0") == (1, said)


def test_an_address_is_not_taken_for_an_emoji() -> None:
    code, said = relevo("topics", "--kafka", "127.0.0.1:x", "--wait", "0")
    assert (code, said.startswith("Kafka at 127.0.0.1:x: ")) == (1, True)


def test_of_a_dsn_that_cannot_be_read_nothing_is_repeated() -> None:
    assert relevo("migrate", "--dsn", f"postgresql://u:hid/den@{NOBODY}/x") == (1, UNREADABLE)


@pytest.mark.parametrize(
    ("dsn", "said"),
    [
        ("postgresql://owner:hidden@db:5432/relevo", "db:5432"),
        ("postgresql://owner:hid@den@db:5432/relevo", "db:5432"),
        ("postgresql://db/relevo", "db"),
        ("postgresql://owner:hid/den@db:5432/relevo", ""),
        ("postgresql://owner:hid#den@db:5432/relevo", ""),
        ("postgresql://owner:hid[den@db:5432/relevo", ""),
    ],
)
def test_the_place_of_a_dsn_holds_no_password(dsn: str, said: str) -> None:
    assert patience.place(dsn) == said


@pytest.mark.parametrize(
    ("command", "told"), [(["up", "--directory"], "/file/run"), (["secrets", "--out"], "/file")]
)
def test_a_file_where_a_folder_should_be_is_told(
    tmp_path: Path, command: list[str], told: str
) -> None:
    (tmp_path / "file").touch()
    code, said = relevo(*command, str(tmp_path / "file" / "run"))
    assert code == 1
    assert said == f"{tmp_path}{told}: a file where a folder has to be. Choose another place.\n"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.ENOSPC, "/run: the disk is full. Make room, or choose a place on another one."),
        (errno.EROFS, "/run: we may not write there. Choose another place, or make it yours."),
        (errno.EIO, "/run: Input/output error. Choose another place."),
    ],
)
def test_a_fault_of_the_disk_says_what_to_do(code: int, said: str) -> None:
    assert disk_fault(OSError(code, "Input/output error"), Path("/run")) == said


def test_a_fault_names_the_file_that_it_is_of() -> None:
    error = OSError(errno.ENOSPC, "No space left on device", "/run/kafka.log")
    assert disk_fault(error, Path("/run")).startswith("/run/kafka.log: the disk is full.")


def test_secrets_that_lack_one_are_not_made_up_for(tmp_path: Path) -> None:
    (tmp_path / "secrets.env").write_text("RELEVO_SEALING_KEYS='a:b'\n")
    code, said = relevo("up", "--directory", str(tmp_path))
    assert code == 1
    assert said == (
        f"{tmp_path}/secrets.env lacks RELEVO_AUTH_JWKS, RELEVO_CONNECTIONS_SIGNING_KEY, "
        "RELEVO_CONNECTIONS_OPERATOR_KEY: put back what it had. Without that, the data cannot be "
        "opened; `make reset` begins anew.\n"
    )


def test_secrets_that_are_none_are_told(tmp_path: Path) -> None:
    (tmp_path / "secrets.env").write_text("nonsense\n")
    said = f"{tmp_path}/secrets.env: a line is not NAME='value'; mend it\n"
    assert relevo("up", "--directory", str(tmp_path)) == (1, said)
