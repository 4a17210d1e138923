"""`relevo bench path`, `compare`, `plot` and `growth`: what the path of an order costs."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from relevo.bench.commands import app, finish, spread, with_bar
from relevo.terminal import RUN_FOLDER, AsJson, complain, say

__all__ = ["app"]

Json = dict[str, Any]
_LOADS = "`burst`, `idle`, or orders a second in open loop; several follow one another."
Loads = Annotated[list[str], typer.Option("--load", help=_LOADS)]
Orders = Annotated[int, typer.Option(min=1, help="Of a burst.")]
Seconds = Annotated[float, typer.Option(min=1, help="Of a rate, and of idleness.")]
Sizes = Annotated[list[int], typer.Option("--orders", min=1_000, help="Stored; ascending.")]
_BURST = ["burst"]
_SIZES = [10_000, 100_000, 1_000_000]
_GROWTH_ROWS = {
    "burst_per_second": "burst of 5,000, orders/s",
    "burst_cpu_per_1000": "its CPU s per 1,000",
    "open_loop_p50_ms": "300/s, p50 ms",
    "open_loop_p99_ms": "300/s, p99 ms",
    "open_loop_cpu_per_1000": "its CPU s per 1,000",
    "orders_tab_ms": "a page of the Orders tab, ms",
    "sweep_seconds": "10,000 orders go back, s",
    "disk_bytes_per_order": "bytes on disk per order",
}
_PLOTS = Path("docs/performance")
_KEPT = _PLOTS / "path.json"


@app.command(name="path")
def bench_path(
    loads: Loads = _BURST,
    orders: Orders = 20_000,
    seconds: Seconds = 20.0,
    senders: Annotated[int, typer.Option(min=1, help="Connections that send.")] = 64,
    stores: Annotated[int, typer.Option(min=1, help="Stores, each with its own endpoint.")] = 10,
    workers: Annotated[
        int, typer.Option(min=1, max=12, help="Processes of ingest, routing and webhooks each.")
    ] = 1,
    *,
    profile: Annotated[
        bool, typer.Option("--profile", help="A flame graph per service: .relevo/profiles/.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The path of an order, end to end: Shopify webhooks of 1.5 kB in, signed webhooks out."""
    from relevo.bench.path import Plan, path  # noqa: PLC0415  engines are not everywhere

    plan = Plan(_known(loads), orders, seconds, senders, stores, workers)
    folder = RUN_FOLDER / "profiles" if profile else None
    figures = with_bar(lambda progress: path(plan, say, progress, folder))
    finish(figures, as_json=as_json, table=_path_table)
    if folder is not None:
        say(f"Flame graphs are in {folder}/")


def _known(loads: list[str]) -> list[str]:
    for load in loads:
        try:
            right = load in {"burst", "idle"} or float(load) > 0
        except ValueError:
            right = False
        if not right:
            raise typer.BadParameter(f"{load!r} is none of these: {_LOADS}", param_hint="--load")
    if len(set(loads)) < len(loads):
        raise typer.BadParameter("each load once", param_hint="--load")
    return loads


def _path_table(figures: Json) -> Table:
    machine = figures["machine"]
    caption = f"{machine['cpu']}, {machine['cores']} cores"
    columns = [_column(of_load) for of_load in figures["loads"].values()]
    names = list(dict.fromkeys(name for column in columns for name in column))
    table = Table("what", *figures["loads"], title="The path of an order", caption=caption)
    for name in names:
        table.add_row(name, *(column.get(name, "") for column in columns))
    return table


def _column(figures: Json) -> dict[str, str]:
    column: dict[str, str] = {}
    if "orders" in figures:
        column = {
            "orders": str(figures["orders"]),
            "orders/s, first POST to last delivery": str(figures["orders_per_second"]),
            "orders/s accepted": str(figures["accepted_per_second"]),
            "delivered ms, p50 / p95 / p99 / max": spread(figures["latency_ms"]),
            "answered ms, p50 / p95 / p99 / max": spread(figures["answer_ms"]),
            **{
                name: str(figures[name])
                for name in ("delivered", "pending", "refused", "lost", "duplicated", "unsigned")
            },
            "SQL statements per order": str(figures["statements_per_order"]),
            "transactions per order": str(figures["transactions_per_order"]),
        }
    for name, cpu in figures.get("cpu_seconds_per_1000", {}).items():
        column[f"CPU s per 1,000: {name}"] = str(cpu)
    for name, percent in figures.get("core_percent", {}).items():
        column[f"% of a core: {name}"] = str(percent)
    for name, megabytes in figures.get("peak_rss_mb", {}).items():
        column[f"MB at most: {name}"] = str(megabytes)
    for name, percent in figures["machine_percent"].items():
        column[f"processor %: {name}"] = str(percent)
    return column


@app.command(name="compare")
def bench_compare(
    before: Annotated[str, typer.Argument(help="A revision.")],
    after: Annotated[str, typer.Argument(help="Another; `here` is this working tree.")] = "here",
    loads: Loads = _BURST,
    orders: Orders = 20_000,
    seconds: Seconds = 20.0,
    rounds: Annotated[int, typer.Option(min=1, help="Of each, in turn.")] = 3,
    *,
    keep: Annotated[
        Path | None, typer.Option(help="A file for the figures, for `relevo bench plot`.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Two revisions in turn on this machine, A B A B …: what counts is the ratio."""
    from relevo.bench.compare import ComparisonError, compare  # noqa: PLC0415  as above

    chosen = [word for load in _known(loads) for word in ("--load", load)]
    arguments = [*chosen, "--orders", str(orders), "--seconds", str(seconds)]
    try:
        figures = compare((before, after), arguments, rounds, say)
    except (ComparisonError, OSError) as error:
        complain(error)
        raise typer.Exit(1) from error
    if keep is not None:
        keep.write_text(json.dumps(figures, indent=2) + "\n")
    finish(figures, as_json=as_json, table=_compare_table)


def _compare_table(figures: Json) -> Table:
    before, after = figures["revisions"]
    machine = figures["machine"]
    table = Table(
        *("load", "figure", before, after, "ratio"),
        title=f"{figures['rounds']} runs of each, in turn",
        caption=f"{machine['cpu']}, {machine['cores']} cores; the ratio is of the medians",
    )
    for row in figures["rows"]:
        runs = (", ".join(f"{value:g}" for value in row[side]) for side in ("before", "after"))
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
        table.add_row(row["load"], row["figure"], *runs, ratio)
    return table


@app.command(name="plot")
def bench_plot(
    kept: Annotated[Path, typer.Argument(help="Written by `compare --keep`.")] = _KEPT,
    folder: Annotated[Path, typer.Option(help="For the plots.")] = _PLOTS,
) -> None:
    """Draw the plots of `docs/performance.md` from the figures that were kept."""
    from relevo.bench.plot import plot  # noqa: PLC0415  not in every installation

    if not kept.exists():
        complain(f"{kept} is not there: `relevo bench compare REVISION --keep {kept}` makes it")
        raise typer.Exit(1)
    for file in plot(kept, folder):
        say(f"Drew {file}")


@app.command(name="growth")
def bench_growth(
    sizes: Sizes = _SIZES,
    *,
    as_json: AsJson = False,
) -> None:
    """The same orders, pages and hand-over on top of 10,000, 100,000 and a million of them."""
    from relevo.bench.growth import growth  # noqa: PLC0415  engines are not everywhere

    if sizes != sorted(set(sizes)):
        raise typer.BadParameter("each is to be more than the one before", param_hint="--orders")
    figures = with_bar(lambda progress: growth(say, progress, sizes))
    finish(figures, as_json=as_json, table=_growth_table)


def _growth_table(figures: Json) -> Table:
    steps, machine = figures["steps"], figures["machine"]
    caption = f"{machine['cpu']}, {machine['cores']} cores; the ratio is of the last to the first"
    stored = (f"{step['orders']:,}" for step in steps)
    table = Table("with so many stored", *stored, "ratio", caption=caption)
    for name, words in _GROWTH_ROWS.items():
        ratio = figures["ratios"].get(name, "")
        table.add_row(words, *(f"{step[name]:,}" for step in steps), str(ratio))
    for name in steps[0]["peak_rss_mb"]:
        table.add_row(f"MB at most: {name}", *(str(step["peak_rss_mb"][name]) for step in steps))
    return table
