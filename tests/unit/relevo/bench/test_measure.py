"""Where processor time went."""

import os
import time

import pytest

from relevo.bench.measure import Processes


def test_the_time_of_the_machine_is_split_without_rest() -> None:
    processes = Processes({"test": os.getpid()})
    processes.begin()
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass
    spent = processes.cpu_seconds()["test"]
    shares = processes.machine_percent()
    assert spent >= 0.28
    assert shares["ours"] > 0
    assert sum(shares.values()) == pytest.approx(100, abs=15)


def test_a_process_that_is_gone_costs_nothing() -> None:
    processes = Processes({"gone": 2**22 + 1})
    processes.begin()
    processes.sample_memory()
    assert processes.cpu_seconds() == {"gone": 0.0}
    assert processes.peak_megabytes() == {"gone": 0.0}
