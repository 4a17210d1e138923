"""Plots as figures to draw: where each bar stands, in the units of the drawing. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, FOOT = 720.0, 140.0, 20.0
_GAP = 0.25


@dataclass(frozen=True, slots=True)
class Bar:
    """One column: what is good stands at the foot, what is bad on top of it."""

    label: str
    good: int
    bad: int
    x: float
    width: float
    good_y: float
    good_height: float
    bad_y: float
    bad_height: float


@dataclass(frozen=True, slots=True)
class Plot:
    """Columns over time; `most` is what the highest stands for."""

    bars: Sequence[Bar]
    most: int
    good: int
    bad: int
    width: float = WIDTH
    height: float = HEIGHT + FOOT


def plot(columns: Sequence[tuple[str, int, int]]) -> Plot:
    """From label, good and bad of each column, in the order of time."""
    most = max((good + bad for _, good, bad in columns), default=0)
    step = WIDTH / max(1, len(columns))
    bars = []
    for place, (label, good, bad) in enumerate(columns):
        good_height, bad_height = _height(good, most), _height(bad, most)
        bars.append(
            Bar(
                label=label,
                good=good,
                bad=bad,
                x=round(place * step + step * _GAP / 2, 1),
                width=round(step * (1 - _GAP), 1),
                good_y=round(HEIGHT - good_height, 1),
                good_height=good_height,
                bad_y=round(HEIGHT - good_height - bad_height, 1),
                bad_height=bad_height,
            )
        )
    goods, bads = sum(bar.good for bar in bars), sum(bar.bad for bar in bars)
    return Plot(bars, most, goods, bads)


def _height(value: int, most: int) -> float:
    return round(HEIGHT * 0.95 * value / most, 1) if most else 0.0
