"""Every verdict of every look, from figures: no machine has to be broken for it."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from relevo.operate import secrets
from relevo.operate.doctor import (
    installation_secrets,
    machine,
    place,
    services_and_mail,
)
from relevo.operate.doctor.finding import Finding, Verdict, listed
from relevo.operate.doctor.machine import GIB, Disk, Docker, Port

ROOT = Path(__file__).parents[4]
OK, WARNING, WRONG = Verdict.OK, Verdict.WARNING, Verdict.WRONG


def said(finding: Finding) -> tuple[Verdict, str]:
    """What matters; that there is a remedy exactly where one is wanted goes for all."""
    assert bool(finding.remedy) == (finding.verdict is not OK)
    return finding.verdict, finding.found


def test_of_a_long_list_the_first_are_shown() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcdefg")) == "a, b, c, d, e and 2 more"


@pytest.mark.parametrize(
    ("running", "wanted", "verdict"),
    [
        ((3, 11, 0), ">=3.11", OK),
        ((3, 13, 1), ">=3.11,<4", OK),
        ((3, 10, 9), ">=3.11", WRONG),
        ((3, 9, 9), "", OK),
    ],
)
def test_python_is_new_enough(running: tuple[int, int, int], wanted: str, verdict: Verdict) -> None:
    figure = f"Python {running[0]}.{running[1]}.{running[2]}, relevo 1.2"
    assert said(machine.python_version(running, wanted, "1.2")) == (verdict, figure)


def test_ports_that_somebody_has_are_wrong_only_where_they_are_of_what_runs() -> None:
    free, ours = Port("ingest", 8002), Port("routing", 8003, ours=True)
    taken = Port("console", 8000, taken_by="process 7 (nginx) has it")
    assert said(machine.ports([free, ours], running=True)) == (OK, "1 ours, 1 free")
    figure = "8000 (console): process 7 (nginx) has it"
    assert said(machine.ports([free, taken], running=False)) == (WARNING, figure)
    assert said(machine.ports([ours, taken], running=True)) == (WRONG, figure)


@pytest.mark.parametrize(
    ("free", "inodes", "free_inodes", "expected"),
    [
        (5 * GIB, 100, 5, (OK, "5.0 GB free, 5% of the inodes")),
        (5 * GIB, 0, 0, (OK, "5.0 GB free")),
        (4 * GIB, 100, 50, (WARNING, "4.0 GB free, 50% of the inodes")),
        (9 * GIB, 100, 4, (WARNING, "9.0 GB free, 4% of the inodes")),
        (GIB // 2, 100, 50, (WRONG, "0.5 GB free, 50% of the inodes")),
        (9 * GIB, 100, 0, (WRONG, "9.0 GB free, 0% of the inodes")),
    ],
)
def test_a_disk_has_room(
    free: int, inodes: int, free_inodes: int, expected: tuple[Verdict, str]
) -> None:
    assert said(machine.disk(Disk("of Kafka", free, inodes, free_inodes))) == expected


@pytest.mark.parametrize(
    ("tenths", "running", "expected"),
    [
        (40, False, (OK, "4.0 GB available")),
        (20, False, (WARNING, "2.0 GB available")),
        (10, False, (WRONG, "1.0 GB available")),
        (10, True, (OK, "1.0 GB available")),
    ],
)
def test_there_is_memory(tenths: int, running: bool, expected: tuple[Verdict, str]) -> None:  # noqa: FBT001  a case
    assert said(machine.memory(tenths * GIB // 10, running=running)) == expected


def test_a_clock_that_nobody_keeps_is_a_warning() -> None:
    assert said(machine.clock_kept(kept=True)) == (OK, "kept by a time server")
    assert said(machine.clock_kept(kept=False)) == (WARNING, "not kept by a time server")
    assert machine.clock_kept(None).verdict is OK


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (Docker(client=False), (WARNING, "there is no docker")),
        (Docker(client=True), (WARNING, "its daemon does not answer")),
        (Docker(client=True, daemon="28.1"), (WARNING, "Docker 28.1, compose missing")),
        (Docker(True, "28.1", "v2.19.9"), (WARNING, "Docker 28.1, compose v2.19.9")),
        (Docker(True, "28.1", "2.20.0-1"), (OK, "Docker 28.1, compose 2.20.0-1")),
    ],
)
def test_docker_is_never_more_than_a_warning(seen: Docker, expected: tuple[Verdict, str]) -> None:
    assert said(machine.docker(seen)) == expected


@pytest.fixture
def secrets_file(tmp_path: Path) -> Path:
    path = tmp_path / "secrets.env"
    secrets.write(path, secrets.generate())
    return path


def test_secrets_are_closed_whole_and_readable(secrets_file: Path) -> None:
    found = installation_secrets.look(secrets_file, {})
    assert [finding.name for finding in found] == [
        "secrets file", "secrets", "sealing keys", "token keys",
    ]  # fmt: skip
    assert {finding.verdict for finding in found} == {OK}


def test_a_file_that_others_may_read_or_own() -> None:
    path = Path("/s.env")
    assert said(installation_secrets.file(path, 0o100600, 5, 5)) == (OK, "/s.env: 0600")
    assert said(installation_secrets.file(path, 0o100640, 5, 5)) == (WRONG, "/s.env: 0640")
    assert said(installation_secrets.file(path, 0o100600, 0, 5)) == (
        WARNING, "/s.env: 0600, of user 0",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("RELEVO_SEALING_KEYS", WRONG), ("POSTGRES_ROUTING_PASSWORD", WARNING)],
)
def test_a_name_that_is_missing_is_told(name: str, verdict: Verdict) -> None:
    values = {key: value for key, value in secrets.generate().items() if key != name}
    found = installation_secrets.names(values)
    assert said(found)[0] is verdict
    assert name in found.found


def test_of_keys_that_cannot_be_read_nothing_is_repeated() -> None:
    for found in (
        installation_secrets.sealing_keys("hidden"),
        installation_secrets.jwks('{"keys": ["hidden"]}'),
        installation_secrets.jwks("hidden"),
        installation_secrets.jwks('{"keys": []}'),
    ):
        assert found.verdict is WRONG
        assert "hidden" not in found.found + found.remedy


def test_a_file_of_secrets_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    path.write_text("nonsense\n")
    (found,) = installation_secrets.look(path, {})
    assert said(found) == (WRONG, f"{path}: cannot be read")


def test_services_say_how_they_are() -> None:
    ready, slow = (True, {"kafka": "ok"}), (False, {"kafka": "away", "topics": "ok"})
    silent = (False, {"http": "connection refused"})
    found = services_and_mail.judge_services({"ingest": ready, "routing": slow}, running=True)
    assert [said(one) for one in found] == [(OK, "ready"), (WRONG, "not ready (kafka: away)")]
    (nothing,) = services_and_mail.judge_services({"ingest": silent}, running=False)
    assert said(nothing) == (OK, "not running here: `make up` starts it")
    (gone,) = services_and_mail.judge_services({"ingest": silent}, running=True)
    assert said(gone) == (WRONG, "not ready (http: connection refused)")


def test_mails_can_be_written(tmp_path: Path) -> None:
    there = tmp_path / "mail"
    assert said(services_and_mail.folder(there)) == (OK, f"files in {there}")
    there.touch()
    assert said(services_and_mail.folder(there)) == (
        WRONG, f"files in {there}: we may not write there",
    )  # fmt: skip


def test_a_stack_that_was_killed_does_not_count_as_running(tmp_path: Path) -> None:
    state = {"urls": {"routing": "http://127.0.0.1:9"}, "kafka": "k", "dsn": "d"}
    file = tmp_path / "stack.json"
    file.write_text(json.dumps({**state, "pids": {"routing": 2**22 + 1}}))
    gone = place.find(tmp_path, {}, None)
    assert (gone.running, gone.dsn, gone.kafka) == (False, "", "")
    file.write_text(json.dumps({**state, "pids": {"routing": os.getpid()}}))
    here = place.find(tmp_path, {"RELEVO_KAFKA": "mine"}, None)
    assert (here.running, here.dsn, here.kafka) == (True, "d", "mine")
    assert here.services == ("routing",)


def doctor(folder: Path, **environment: str) -> tuple[int, dict[str, dict[str, str]], str]:
    """The exit code, the findings by name, and all that it printed."""
    answer = subprocess.run(
        [sys.executable, "-m", "relevo", "doctor", "--json"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = {one["name"]: one for one in json.loads(answer.stdout)}
    return answer.returncode, found, answer.stdout + answer.stderr


def test_where_nothing_is_nothing_is_wrong(tmp_path: Path) -> None:
    code, found, _ = doctor(tmp_path)
    for name in ("postgres", "kafka", "mail", "secrets"):
        assert found[name] == {
            "name": name,
            "verdict": "ok",
            "found": "not running here: `make up` starts it",
            "remedy": "",
        }
    assert found["docker"]["found"] == "there is no docker"
    wrong = [name for name, one in found.items() if one["verdict"] == "wrong"]
    assert code == (1 if wrong else 0)


def test_what_hangs_is_given_up_and_no_password_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        there = f"127.0.0.1:{silent.getsockname()[1]}"
        code, found, printed = doctor(
            tmp_path,
            RELEVO_POSTGRES_DSN=f"postgresql://owner:hidden@{there}/relevo",
            RELEVO_KAFKA=there,
            RELEVO_CONSOLE_ROUTING_URL=f"http://{there}",
            RELEVO_CONNECTIONS_SMTP_HOST="127.0.0.1",
            RELEVO_CONNECTIONS_SMTP_PORT=there.rpartition(":")[2],
            RELEVO_CONNECTIONS_SMTP_PASSWORD="hidden",
            POSTGRES_ROUTING_PASSWORD="hidden",
        )
    assert code == 1
    for name in ("postgres", "kafka", "mail"):
        assert (found[name]["verdict"], found[name]["found"]) == (
            "wrong", "no answer within 2.5 s",
        )  # fmt: skip
    assert found["routing"]["found"] == "not ready (process: no answer within 2.5 s)"
    assert "hidden" not in printed
