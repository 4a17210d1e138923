"""Jars from the Maven repository by jgo: counted as they come, and held to their checksums."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Advance = Callable[[int], None]
_SECONDS = 30


class DamagedError(RuntimeError):
    """What came is not what the repository says that it has."""


def resolve(coordinates: str, scratch: Path, advance: Advance) -> list[Path]:
    """The jars of `group:artifact:version[+…]` and of all they need, fetched into `scratch`.

    Args:
        coordinates: pinned.
        scratch: an empty folder.
        advance: called with the number of bytes that came.

    Raises:
        requests.RequestException: no way to the repository.
        RuntimeError: the repository has it not.
        DamagedError: a jar is not what its checksum says.
        OSError: it cannot be kept.
    """
    # Only a first start needs it, and it takes its time to load.
    from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415
    from jgo.env import EnvironmentBuilder  # noqa: PLC0415
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415

    @contextmanager
    def count(_name: str, _bytes: int) -> Iterator[Advance]:
        yield advance

    repository = scratch / "repository"
    context = MavenContext(
        resolver=PythonResolver(progress_callback=count),
        repo_cache=repository,
        remote_repos={"central": MAVEN_CENTRAL_URL},
        timeout=_SECONDS,
    )
    builder = EnvironmentBuilder(context=context, cache_dir=scratch / "environments")
    jars = [Path(jar) for jar in builder.from_endpoint(coordinates).all_jars]
    # jgo only warns of a checksum that is wrong.
    for jar in repository.rglob("*.jar"):
        _check(jar, f"{MAVEN_CENTRAL_URL}/{jar.relative_to(repository).as_posix()}.sha1")
    return jars


def _check(jar: Path, url: str) -> None:
    import requests  # noqa: PLC0415  as jgo

    answer = requests.get(url, timeout=_SECONDS)
    answer.raise_for_status()
    check(jar, answer.text)


def check(jar: Path, checksum: str) -> None:
    """Hold a file to the text of a `.sha1`: the digest in hexadecimal, a name may follow.

    Raises:
        DamagedError: it is another file.
    """
    with jar.open("rb") as file:
        found = hashlib.file_digest(file, "sha1").hexdigest()
    if checksum.split()[:1] != [found]:
        raise DamagedError(f"{jar.name} is damaged: its SHA-1 is {found}, not {checksum[:40]}")
