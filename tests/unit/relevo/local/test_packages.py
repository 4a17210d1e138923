"""The embedded engines are fetched once, whole, however many ask at the same time."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event

import pytest

from relevo.local import packages

JARS = {"kafka.jar": b"broker", "slf4j.jar": b"log"}


class Repository:
    """Stands for the Maven repository and the library that fetches from it."""

    def __init__(self) -> None:
        self.asked = 0
        self.asked_again = Event()
        self.breaks = False
        self.many = False

    def resolve(self, _: str, scratch: Path) -> list[Path]:
        self.asked += 1
        if self.asked > 1:
            self.asked_again.set()
        assert list(scratch.iterdir()) == [scratch / "jars"], "nothing of an earlier run is there"
        found = []
        for name, content in JARS.items():
            jar = scratch / name
            jar.write_bytes(content)
            found.append(jar)
            if self.many:  # with nothing to keep them apart another one is here by now
                self.asked_again.wait(0.5)
            if self.breaks:
                raise ConnectionError("the network is away")
        return found


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cache = tmp_path / "cache"
    monkeypatch.setattr(packages, "cache_directory", lambda: cache)
    return cache


@pytest.fixture
def repository(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    repository = Repository()
    monkeypatch.setattr(packages, "_resolve", repository.resolve)
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


def test_a_fetch_that_failed_leaves_nothing_and_says_what_to_do(repository: Repository) -> None:
    repository.breaks = True
    with pytest.raises(packages.FetchError, match=r"network is away[\s\S]*Check the network"):
        packages.kafka_class_path()
    repository.breaks = False
    assert fetched() == JARS


def test_what_a_killed_process_left_is_not_taken_for_complete(
    cache: Path, repository: Repository
) -> None:
    (cache / "fetching" / "repository").mkdir(parents=True)
    (cache / "fetching" / "repository" / "kafka.jar").write_bytes(b"bro")
    assert fetched() == JARS
    assert repository.asked == 1
    assert not (cache / "fetching").exists()
