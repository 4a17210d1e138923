"""The brake: a bad release stops reading, loudly; it does not empty a topic into the bin.

A run of failures, or too large a share of the newest records, as in Arroyo's `DlqLimit`. Failures
count by their source (whose records they are): one tenant that sends what we choke on is parked, or
goes to the dead letters, and stops nobody; that many fail is our own fault. Pure.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from shared.failures import Transient

# One source alone never brakes.
_FEWEST_SOURCES = 2


class Braked(Transient):
    """Too many records fail: nothing more is given up, and the same ones are tried again."""


@dataclass(frozen=True, slots=True)
class BrakeLimits:
    """When to stop.

    `run`: failures in a row; 0 switches the brake off. `ratio`: the share of sources, of those in
    the newest `window` records, whose records fail; it takes at least `run` failures too.
    """

    run: int = 100
    ratio: float = 0.5
    window: int = 1_000


class Brake:
    """What became of the newest records of one topic in this process.

    Args:
        topic: for the message.
        limits: when to stop.
    """

    def __init__(self, topic: str, limits: BrakeLimits) -> None:
        self._topic = topic
        self._limits = limits
        self._newest: deque[tuple[str, bool]] = deque(maxlen=limits.window)
        self._run: list[str] = []
        self.is_on = False

    def judge(self, outcomes: Iterable[tuple[str, bool]]) -> None:
        """Count records before anything is done about those that failed.

        Args:
            outcomes: in the order of the log: key, and whether the record failed.

        Raises:
            Braked: too many; they are not counted, for they come again.
        """
        newest, run, is_over = self._newest.copy(), list(self._run), False
        for key, failed in outcomes:
            source = key.partition(":")[0]
            newest.append((source, failed))
            run = [*run[-self._limits.run :], source] if failed else []
            is_over = is_over or (failed and self._is_over(newest, run))
        self.is_on = is_over
        if is_over:
            raise Braked(
                f"{self._topic}: too many records fail, so reading stops before they are given up. "
                "If a release brought it, replace the release: the same records are read again. If "
                "they are really bad, start once with RELEVO_BRAKE_RUN=0."
            )
        self._newest, self._run = newest, run

    def _is_over(self, newest: Iterable[tuple[str, bool]], run: list[str]) -> bool:
        limits = self._limits
        if not limits.run:
            return False
        if len(run) >= limits.run and len(set(run)) >= _FEWEST_SOURCES:
            return True
        failed = [source for source, is_failure in newest if is_failure]
        if len(failed) < limits.run:
            return False
        bad = len(set(failed))
        return bad >= max(_FEWEST_SOURCES, limits.ratio * len({source for source, _ in newest}))
