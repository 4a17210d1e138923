"""What a run of the tests started, and how long its parts and its slowest tests took.

Only the process that people see tells it: with xdist the controller, which hears of every test.
"""

import os
from collections import Counter, defaultdict
from pathlib import PurePosixPath

import pytest

from tests.kit.engines import started

_SLOWEST = 10
_SPLIT = ("integration", "acceptance")


def part_of(nodeid: str) -> str:
    """The folder of a test that it is counted under: `unit`, `integration/routing`."""
    folders = PurePosixPath(nodeid.partition("::")[0]).parts[1:-1]
    return "/".join(folders[: 2 if folders[:1] and folders[0] in _SPLIT else 1]) or "."


class Timetable:
    """A pytest plugin; it hears what is reported anyway, and asks for nothing."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._seconds: dict[str, float] = defaultdict(float)
        self._told = False

    def pytest_report_header(self) -> list[str]:
        """Engines that were here before us."""
        kafka, postgres = (os.environ.get(f"RELEVO_TEST_{name}") for name in ("KAFKA", "POSTGRES"))
        if not kafka or not postgres:
            return []
        return [f"Kafka of yours, {kafka}", f"PostgreSQL of yours, {postgres.rpartition('@')[2]}"]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Set-up, the test and what is put away, of all workers.

        And the engines once: the first test that needs them has them started.
        """
        self._seconds[report.nodeid] += report.duration
        if not self._told and (lines := started()):
            self._told = True
            reporter = self._config.pluginmanager.get_plugin("terminalreporter")
            if reporter is None:
                return
            for line in lines:
                reporter.ensure_newline()
                reporter.write_line(line)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The tables, where more than one part has run."""
        lines = table(self._seconds)
        if lines:
            terminalreporter.section("where the time went, all workers together")
            for line in lines:
                terminalreporter.write_line(line)


def table(seconds: dict[str, float]) -> list[str]:
    """By part, longest first, then the slowest tests; nothing for a single part.

    Args:
        seconds: by node id.
    """
    tests = Counter(map(part_of, seconds))
    if len(tests) <= 1:
        return []
    sums: dict[str, float] = defaultdict(float)
    for nodeid, took in seconds.items():
        sums[part_of(nodeid)] += took
    width = max(map(len, (*tests, "part")))
    longest = sorted(sums.items(), key=lambda part: -part[1])
    rows = [(part, tests[part], took) for part, took in longest]
    rows.append(("all", tests.total(), sum(seconds.values())))
    slowest = sorted(seconds.items(), key=lambda test: -test[1])[:_SLOWEST]
    return [
        f"{'part':<{width}}  tests  seconds",
        *(f"{part:<{width}} {count:>6} {took:>8.1f}" for part, count, took in rows),
        f"the {len(slowest)} slowest tests",
        *(f"{took:>8.1f} s  {nodeid}" for nodeid, took in slowest),
    ]
