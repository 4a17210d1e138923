"""What it cost: CPU seconds and memory by process, statements and transactions in Postgres."""

import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import psutil

_MEGABYTE = 1024 * 1024
_TEXT_CHARACTERS = 100


@dataclass
class Processes:
    """Named processes, each with its children.

    Args:
        pids: process id by name; names ending in the same word are not merged.
    """

    pids: Mapping[str, int]
    _started: dict[str, float] = field(default_factory=dict)
    _machine: Any = None
    peak_bytes: dict[str, int] = field(default_factory=dict)

    def begin(self) -> None:
        """CPU time counts from here."""
        self._machine = psutil.cpu_times()
        self._started = self._cpu()

    def cpu_seconds(self) -> dict[str, float]:
        """User and system time since `begin`, by name."""
        return {name: now - self._started.get(name, 0.0) for name, now in self._cpu().items()}

    def machine_percent(self) -> dict[str, float]:
        """Whose the machine's processor time was since `begin`.

        `ours`, of `others` on this machine, `stolen` by other machines on the same host (Linux
        tells), and `idle`: a run beside much of `others` or `stolen` measures them.
        """
        spent = {
            kind: now - getattr(self._machine, kind)
            for kind, now in psutil.cpu_times()._asdict().items()
            if kind not in ("guest", "guest_nice")  # they are in user and nice already
        }
        whole = sum(spent.values()) or 1.0
        idle = spent["idle"] + spent.get("iowait", 0.0)
        stolen = spent.get("steal", 0.0)
        ours = sum(self.cpu_seconds().values())
        shares = {
            "ours": ours, "others": whole - idle - stolen - ours, "stolen": stolen, "idle": idle,
        }  # fmt: skip
        return {name: round(max(seconds, 0.0) / whole * 100, 1) for name, seconds in shares.items()}

    def sample_memory(self) -> None:
        """Remember the most that each name was seen to have resident."""
        for name, pid in self.pids.items():
            resident = sum(_resident(process) for process in _family(pid))
            self.peak_bytes[name] = max(resident, self.peak_bytes.get(name, 0))

    def peak_megabytes(self) -> dict[str, float]:
        """By name; shared pages of Postgres' children are counted once."""
        return {name: round(peak / _MEGABYTE, 1) for name, peak in self.peak_bytes.items()}

    def _cpu(self) -> dict[str, float]:
        return {
            name: sum(_cpu_of(process) for process in _family(pid))
            for name, pid in self.pids.items()
        }


def _family(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def _cpu_of(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        # Children that ended are in their parent's account (on Linux).
        ended = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
        return float(times.user + times.system + ended)
    return 0.0


def _resident(process: psutil.Process) -> int:
    """Resident bytes; of Postgres' children only what is not shared with the others."""
    with suppress(psutil.Error):
        memory = process.memory_info()
        return int(memory.rss - getattr(memory, "shared", 0))
    return 0


@dataclass(frozen=True)
class Statements:
    """From pg_stat_statements, by the start of the text: calls and ms; and transactions."""

    calls: Mapping[str, int]
    milliseconds: Mapping[str, float]
    transactions: int

    def since(self, before: "Statements") -> "Statements":
        """What ran between the two; the statements with most calls first."""
        calls = {text: n - before.calls.get(text, 0) for text, n in self.calls.items()}
        ran = sorted(((n, text) for text, n in calls.items() if n), reverse=True)
        took = {
            text: round(self.milliseconds[text] - before.milliseconds.get(text, 0.0), 1)
            for _, text in ran
        }
        return Statements(
            {text: n for n, text in ran}, took, self.transactions - before.transactions
        )

    @property
    def total(self) -> int:
        """All calls."""
        return sum(self.calls.values())


async def statements(dsn: str) -> Statements:
    """What ran in the database so far; our own questions are left out."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT left(regexp_replace(regexp_replace(query, '--[^\n]*', '', 'g'), '\\s+', ' ', "
            "'g'), $1) AS text, sum(calls)::bigint AS calls, sum(total_exec_time) AS ms "
            "FROM pg_stat_statements s "
            "JOIN pg_database d ON d.oid = s.dbid AND d.datname = current_database() "
            "WHERE query NOT LIKE '%pg_stat_%' GROUP BY 1",
            _TEXT_CHARACTERS,
        )
        committed = await connection.fetchval(
            "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
        )
    finally:
        await connection.close()
    return Statements(
        {row["text"]: row["calls"] for row in rows},
        {row["text"]: row["ms"] for row in rows},
        int(committed),
    )


def machine() -> dict[str, str | int]:
    """What the figures were taken on."""
    model = platform.processor() or platform.machine()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(": ")[1] for line in lines if line.startswith("model name"))
    return {
        "cpu": model,
        "cores": os.cpu_count() or 0,
        "memory_gb": round(psutil.virtual_memory().total / 1024**3),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
