"""Where the embedded engines come from: jars by jgo, fetched once, unpacked once."""

import lzma
import os
import platform
import shutil
import stat
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
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
    there = (each for each in (folder, *folder.parents) if each.exists())
    return all(each.stat().st_mode & stat.S_IXOTH for each in there)


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


@contextmanager
def _fetching(what: str) -> Iterator[None]:
    console = Console(stderr=True)
    if not console.is_terminal:  # a spinner shows nothing there
        console.print(f"Fetching {what}, once …")
    started = time.monotonic()
    try:
        with console.status(f"Fetching {what}, once …"):
            yield
    except Exception as error:
        raise FetchError(
            f"Could not fetch {what} from the Maven repository: {error}\n"
            "Check the network (or the mirror in ~/.m2/settings.xml) and run it again."
        ) from error
    console.print(f"Fetched {what} in {time.monotonic() - started:.1f} s")


def _resolve(coordinates: str) -> list[Path]:
    import jgo  # noqa: PLC0415  only a first start needs it, and it takes its time to load

    return [Path(jar) for jar in jgo.build(coordinates).all_jars]


def kafka_class_path() -> str:
    """The class path of Apache Kafka; fetched at the first call, remembered after.

    Raises:
        FetchError: no way to the Maven repository.
    """
    remembered = cache_directory() / f"kafka-{sha256(KAFKA_JARS.encode()).hexdigest()[:12]}.path"
    if remembered.exists():
        class_path = remembered.read_text()
        if all(Path(jar).exists() for jar in class_path.split(os.pathsep)):
            return class_path
    with _fetching("Apache Kafka 4.4 (46 MB)"):
        class_path = os.pathsep.join(str(jar) for jar in _resolve(KAFKA_JARS))
    _make_cache_directory()
    scratch = remembered.with_name(f"{remembered.name}.{os.getpid()}")
    scratch.write_text(class_path)
    scratch.replace(remembered)
    return class_path


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
    home = cache_directory() / f"postgres-{POSTGRES_VERSION}-{artifact}"
    if (home / "bin" / "postgres").exists():
        return home
    with _fetching(f"PostgreSQL {POSTGRES_VERSION} (15 MB)"):
        name = f"io.zonky.test.postgres:embedded-postgres-binaries-{artifact}"
        (jar,) = _resolve(f"{name}:{POSTGRES_VERSION}")
        unpacked = Path(tempfile.mkdtemp(dir=_make_cache_directory()))
        with zipfile.ZipFile(jar) as archive:
            txz = next(each for each in archive.namelist() if each.endswith(".txz"))
            with archive.open(txz) as packed, lzma.open(packed) as plain:
                _unpack(plain, unpacked)
        try:
            unpacked.rename(home)
        except OSError:  # another process was faster
            shutil.rmtree(unpacked)
    return home


def _unpack(plain: IO[bytes], target: Path) -> None:
    with tarfile.open(fileobj=plain) as tar:
        # The archive comes from a pinned version; the filter refuses paths that leave the folder.
        tar.extractall(target, filter="tar")
    # Folders that the archive does not name follow the umask.
    for folder in (target, *(each for each in target.rglob("*") if each.is_dir())):
        folder.chmod(_TRAVERSABLE)
