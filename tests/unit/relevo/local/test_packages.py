"""The embedded engines are fetched once, whole, however many ask at the same time."""

import errno
import io
import os
import tarfile
from concurrent.futures import ThreadPoolExecutor
from functools import partialmethod
from pathlib import Path
from threading import Barrier, Event

import pytest
import requests

from relevo.local import packages
from relevo.local.maven import Advance, DamagedError, check

JARS = {"kafka.jar": b"broker", "slf4j.jar": b"log"}


class Repository:
    """Stands for the Maven repository and the library that fetches from it."""

    def __init__(self) -> None:
        self.asked = 0
        self.asked_again = Event()
        self.breaks: Exception | None = None
        self.many = False

    def resolve(self, _: str, scratch: Path, advance: Advance) -> list[Path]:
        self.asked += 1
        if self.asked > 1:
            self.asked_again.set()
        assert list(scratch.iterdir()) == [scratch / "jars"], "nothing of an earlier run is there"
        found = []
        for name, content in JARS.items():
            jar = scratch / name
            jar.write_bytes(content)
            advance(len(content))
            found.append(jar)
            if self.many:  # with nothing to keep them apart another one is here by now
                self.asked_again.wait(0.5)
            if self.breaks:
                raise self.breaks
        return found


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cache = tmp_path / "cache"
    monkeypatch.setattr(packages, "cache_directory", lambda: cache)
    return cache


@pytest.fixture
def repository(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    repository = Repository()
    monkeypatch.setattr(packages, "resolve", repository.resolve)
    return repository


def fetched() -> dict[str, bytes]:
    folder = Path(packages.kafka_class_path())
    assert folder.name == "*", "Java reads every jar of the folder"
    return {jar.name: jar.read_bytes() for jar in folder.parent.iterdir()}


def test_what_was_fetched_is_there_the_next_time(repository: Repository) -> None:
    assert fetched() == fetched() == JARS
    assert repository.asked == 1


def test_of_those_that_ask_at_the_same_time_one_fetches_and_all_get_it(
    repository: Repository,
) -> None:
    together = Barrier(4)
    repository.many = True

    def ask(_: int) -> dict[str, bytes]:
        together.wait()
        return fetched()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [JARS] * 4
    assert repository.asked == 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (ConnectionError("the network is away"), r"network is away[\s\S]*Check the network"),
        (requests.ConnectionError("no route"), r"no route[\s\S]*Check the network"),
        (OSError(errno.ENOSPC, "No space left"), r"keep .*cache: No space left\nMake room"),
        (DamagedError("kafka.jar is damaged"), r"not be unpacked: .*kafka.jar is damaged"),
        (tarfile.ReadError("odd"), r"Apache Kafka 4.4 came, but could not be unpacked: .*odd"),
        (RuntimeError("not found"), "Maven repository did not give Apache Kafka 4.4: not found"),
    ],
)
def test_a_fetch_that_failed_leaves_nothing_and_says_what_it_was(
    repository: Repository, fault: Exception, said: str
) -> None:
    repository.breaks = fault
    with pytest.raises(packages.FetchError, match=said):
        packages.kafka_class_path()
    repository.breaks = None
    assert fetched() == JARS


def test_a_fault_of_ours_is_not_taken_for_one_of_the_network(repository: Repository) -> None:
    repository.breaks = AttributeError("a mistake")
    with pytest.raises(AttributeError):
        packages.kafka_class_path()


def test_a_jar_is_held_to_its_checksum(tmp_path: Path) -> None:
    jar = tmp_path / "some.jar"
    jar.write_bytes(b"some")
    check(jar, "eb875812858d27b22cb2b75f992dffadc1b05c66  some.jar\n")
    with pytest.raises(DamagedError, match=r"some.jar is damaged"):
        check(jar, "eb875812858d27b22cb2b75f992dffadc1b05c67")


def test_piped_it_says_a_line_before_and_one_after(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetched() == JARS
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "Fetching Apache Kafka 4.4 (46 MB), once …"
    assert said[1].startswith("Fetched Apache Kafka 4.4 in ")
    assert len(said) == 2
    assert repository.asked == 1


def archive(*members: tarfile.TarInfo) -> io.BytesIO:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    packed.seek(0)
    return packed


def a_member(name: str, link: str = "", kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.mode = kind, link, 0o755
    member.size = 1 if kind == tarfile.REGTYPE else 0
    return member


@pytest.fixture(params=["with filters", "without"])
def python(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python as it is, and as 3.11.2 is: without filters of archives."""
    if request.param == "without":
        monkeypatch.delattr(tarfile, "tar_filter")
        plain = partialmethod(tarfile.TarFile.extractall, filter="fully_trusted")
        monkeypatch.setattr(tarfile.TarFile, "extractall", plain)


@pytest.mark.usefixtures("python")
def test_what_is_unpacked_is_open_to_all_whatever_the_umask(tmp_path: Path) -> None:
    target = tmp_path / "postgres"
    before = os.umask(0o077)
    try:
        link = a_member("lib/libpq.so", "../bin/postgres", tarfile.SYMTYPE)
        packages._unpack(archive(a_member("bin/postgres"), link), target)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (target, *target.rglob("*"))}
    assert modes == dict.fromkeys(("postgres", "bin", "lib", "libpq.so"), 0o755)


@pytest.mark.usefixtures("python")
@pytest.mark.parametrize("name", ["../out", "bin/../../out"])
def test_nothing_is_unpacked_outside_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(tarfile.TarError):
        packages._unpack(archive(a_member(name)), tmp_path / "in")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "member",
    [
        a_member("/out"),
        a_member("in", "../out", tarfile.SYMTYPE),
        a_member("bin/in", "../../out", tarfile.SYMTYPE),
        a_member("in", "/out", tarfile.SYMTYPE),
        a_member("bin/in", "../out", tarfile.LNKTYPE),
        a_member("null", "", tarfile.CHRTYPE),
    ],
)
def test_without_filters_links_that_lead_out_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, member: tarfile.TarInfo
) -> None:
    monkeypatch.delattr(tarfile, "tar_filter")
    with pytest.raises(tarfile.ExtractError, match="leaves the folder"):
        packages._unpack(archive(member), tmp_path / "in")


def test_what_a_killed_process_left_is_not_taken_for_complete(
    cache: Path, repository: Repository
) -> None:
    (cache / "fetching" / "repository").mkdir(parents=True)
    (cache / "fetching" / "repository" / "kafka.jar").write_bytes(b"bro")
    assert fetched() == JARS
    assert repository.asked == 1
    assert not (cache / "fetching").exists()
