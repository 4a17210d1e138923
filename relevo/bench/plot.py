"""`relevo bench plot`: the plots of `docs/performance.md`, from the figures that were kept."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Json = dict[str, Any]
_COST = "cpu_seconds_per_1000"
# In the order of an order's path; what else there is comes after them.
_PATH = ("ingest", "kafka", "routing", "postgres", "webhooks", "fulfilment")
_COLOURS = ("#1d4ed8", "#f59e0b", "#0f766e", "#7c3aed", "#be185d", "#65a30d", "#94a3b8")
_AFTER, _BEFORE = "#1d4ed8", "#94a3b8"


def plot(kept: Path, folder: Path) -> list[Path]:
    """Draw what a comparison kept: what an order costs, and how long it takes; the files.

    Args:
        kept: written by `relevo bench compare --keep`.
        folder: for the SVG files.
    """
    figures: Json = json.loads(kept.read_text())
    # Text stays text, and two runs write the same bytes.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "relevo", "font.size": 9})
    return [
        _save(_costs(figures), folder / "path-cost.svg"),
        _save(_latencies(figures), folder / "path-latency.svg"),
    ]


def costs(rows: Sequence[Json], load: str, side: str) -> dict[str, float]:
    """CPU seconds of each process for 1,000 orders under a load: the median of its runs. Pure."""
    found = {
        row["figure"].removeprefix(f"{_COST} "): median(row[side])
        for row in rows
        if row["load"] == load and row["figure"].startswith(f"{_COST} ")
    }
    named = {name: found[name] for name in _PATH if name in found}
    rest = sum(cost for name, cost in found.items() if name not in {*_PATH, "total"})
    return {**named, "others": rest}


def _loads(figures: Json, figure: str) -> list[str]:
    return list(
        dict.fromkeys(row["load"] for row in figures["rows"] if row["figure"].startswith(figure))
    )


def _costs(figures: Json) -> Figure:
    loads = _loads(figures, _COST)
    picture = Figure(figsize=(8, 0.9 + 0.75 * len(loads)), layout="constrained")
    axes = picture.add_subplot()
    labels: dict[float, str] = {}
    for number, load in enumerate(loads):
        for place, side in enumerate(("before", "after")):
            at = number + place * 0.38
            labels[at] = f"{_words(load)}, {side}"
            _stack(axes, at, costs(figures["rows"], load, side), with_names=not (number or place))
    axes.set_yticks(list(labels), list(labels.values()))
    axes.invert_yaxis()
    axes.set_xlabel("CPU seconds for 1,000 orders")
    axes.legend(ncols=len(_COLOURS), loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False)
    return _plain(picture, axes)


def _stack(axes: Axes, at: float, costs: Mapping[str, float], *, with_names: bool) -> None:
    left = 0.0
    for colour, (name, cost) in zip(_COLOURS, costs.items(), strict=False):
        label = name if with_names else None
        axes.barh(at, cost, height=0.34, left=left, color=colour, label=label)
        left += cost
    axes.text(left, at, f" {left:.2f}", va="center")


def _latencies(figures: Json) -> Figure:
    loads = [load for load in _loads(figures, "latency_ms") if load != "burst"]
    picture = Figure(figsize=(8, 2.4), layout="constrained")
    rows = {(row["load"], row["figure"]): row for row in figures["rows"]}
    for number, load in enumerate(loads):
        axes = picture.add_subplot(1, len(loads), number + 1)
        for place, (side, colour) in enumerate((("before", _BEFORE), ("after", _AFTER))):
            ranks = ("p50", "p99")
            values = [median(rows[load, f"latency_ms {rank}"][side]) for rank in ranks]
            at = [n + place * 0.38 for n in range(len(ranks))]
            axes.bar(at, values, width=0.34, color=colour, label=side)
            for x, value in zip(at, values, strict=True):
                axes.text(x, value, f"{value:.0f}", ha="center", va="bottom")
        axes.set_xticks([0.19, 1.19], ["p50", "p99"])
        axes.set_title(_words(load), fontsize=9)
        axes.set_ylabel("ms, POST to webhook")
        axes.legend(frameon=False)
        _plain(picture, axes)
    return picture


def _words(load: str) -> str:
    return load if load == "burst" else f"{load}/s"


def _plain(picture: Figure, axes: Axes) -> Figure:
    axes.spines[["top", "right"]].set_visible(False)
    return picture


def _save(picture: Figure, file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(file, metadata={"Date": None})
    return file
