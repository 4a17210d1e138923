"""Where the embedded engines come from: jars by jgo, fetched once, unpacked once."""

import fcntl
import lzma
import os
import platform
import shutil
import stat
import tarfile
import time
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import IO

from rich.console import Console

KAFKA_JARS = "org.apache.kafka:kafka_2.13:4.4.0+org.slf4j:slf4j-simple:1.7.36"
POSTGRES_VERSION = "18.6.0"
_SYSTEMS = {"Linux": "linux", "Darwin": "darwin"}
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "arm64": "arm64v8", "aarch64": "arm64v8"}
_TRAVERSABLE = 0o755


class FetchError(RuntimeError):
    """An engine could not be fetched, or there is none for this machine."""


def open_to_all(folder: Path) -> bool:
    """Whether any user can reach the folder (or would, once it is made)."""
    there = (path for path in (folder, *folder.parents) if path.exists())
    return all(path.stat().st_mode & stat.S_IXOTH for path in there)


def cache_directory() -> Path:
    """Where unpacked engines are kept; shared by every checkout of the user.

    Root's home is usually closed to the unprivileged user that Postgres then runs as; the
    system's cache is taken in that case.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "relevo"
    if os.geteuid() == 0 and not open_to_all(cache):
        return Path("/var/cache/relevo")
    return cache


def _make_cache_directory() -> Path:
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    cache.chmod(_TRAVERSABLE)  # whatever the umask was
    return cache


def _fetch(what: str, home: Path, prepare: Callable[[Path], Path]) -> None:
    """Put in place what `prepare` makes in an empty folder, unless another process did already.

    One at a time, and all or nothing: the library that fetches writes its files where others would
    read them half done, and takes what an interrupted run left for complete.

    Raises:
        FetchError: `prepare` failed.
    """
    if home.exists():
        return
    console = Console(stderr=True)
    if not console.is_terminal:  # a spinner shows nothing there
        console.print(f"Fetching {what}, once …")
    started = time.monotonic()
    scratch = _make_cache_directory() / "fetching"
    with console.status(f"Fetching {what}, once …"), scratch.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir()
            try:
                prepare(scratch).rename(home)
            except Exception as error:
                raise FetchError(
                    f"Could not fetch {what} from the Maven repository: {error!r}\n"
                    "Check the network (or HTTPS_PROXY) and run it again."
                ) from error
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    console.print(f"Fetched {what} in {time.monotonic() - started:.1f} s")


def _resolve(coordinates: str, scratch: Path) -> list[Path]:
    # Only a first start needs it, and it takes its time to load.
    from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415
    from jgo.env import EnvironmentBuilder  # noqa: PLC0415
    from jgo.maven import MavenContext  # noqa: PLC0415

    context = MavenContext(
        repo_cache=scratch / "repository", remote_repos={"central": MAVEN_CENTRAL_URL}
    )
    builder = EnvironmentBuilder(context=context, cache_dir=scratch / "environments")
    return [Path(jar) for jar in builder.from_endpoint(coordinates).all_jars]


def kafka_class_path() -> str:
    """The class path of Apache Kafka; fetched at the first call.

    Raises:
        FetchError: no way to the Maven repository.
    """

    def prepare(scratch: Path) -> Path:
        jars = scratch / "jars"
        jars.mkdir()
        for jar in _resolve(KAFKA_JARS, scratch):
            shutil.copy(jar, jars)
        return jars

    home = cache_directory() / f"kafka-{sha256(KAFKA_JARS.encode()).hexdigest()[:12]}"
    _fetch("Apache Kafka 4.4 (46 MB)", home, prepare)
    return f"{home}{os.sep}*"


def _postgres_artifact() -> str:
    try:
        return f"{_SYSTEMS[platform.system()]}-{_MACHINES[platform.machine()]}"
    except KeyError as missing:
        raise FetchError(
            f"There is no embedded PostgreSQL for {missing}; use `docker compose up` instead."
        ) from missing


def postgres_home() -> Path:
    """The unpacked PostgreSQL; fetched and unpacked at the first call.

    Raises:
        FetchError: no way to the Maven repository, or no package for this machine.
    """
    artifact = _postgres_artifact()

    def prepare(scratch: Path) -> Path:
        name = f"io.zonky.test.postgres:embedded-postgres-binaries-{artifact}"
        (jar,) = _resolve(f"{name}:{POSTGRES_VERSION}", scratch)
        unpacked = scratch / "postgres"
        with zipfile.ZipFile(jar) as archive:
            txz = next(path for path in archive.namelist() if path.endswith(".txz"))
            with archive.open(txz) as packed, lzma.open(packed) as plain:
                _unpack(plain, unpacked)
        return unpacked

    home = cache_directory() / f"postgres-{POSTGRES_VERSION}-{artifact}"
    _fetch(f"PostgreSQL {POSTGRES_VERSION} (15 MB)", home, prepare)
    return home


def _unpack(plain: IO[bytes], target: Path) -> None:
    with tarfile.open(fileobj=plain) as tar:
        # The archive comes from a pinned version; the filter refuses paths that leave the folder.
        tar.extractall(target, filter="tar")
    # Folders that the archive does not name follow the umask.
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        folder.chmod(_TRAVERSABLE)
