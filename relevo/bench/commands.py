"""The `relevo bench` commands: run, show, exit 2 when a run is void."""

import json
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from relevo.terminal import AsJson, console, notes, say

app = typer.Typer(help="Measure it: programs that print figures.", no_args_is_help=True)
_VOID = 2
Json = dict[str, Any]


def _with_bar(run: Callable[[Callable[[int, int], None]], Json]) -> Json:
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=notes, transient=True) as bar:
        task = bar.add_task("delivered", total=None)
        return run(lambda done, total: bar.update(task, completed=done, total=total))


def _finish(figures: Json, *, as_json: bool, table: Callable[[Json], Table]) -> None:
    if as_json:
        print(json.dumps(figures, indent=2))
    else:
        console.print(table(figures))
    if not figures["balances"]:
        notes.print("[red]VOID: sent is not delivered + pending + refused.[/]")
        raise typer.Exit(_VOID)


def _spread(latency: Json) -> str:
    return f"{latency['p50']} / {latency['p95']} / {latency['p99']} / {latency['max']}"


@app.command(name="path")
def bench_path(
    orders: Annotated[int, typer.Option(min=1)] = 20_000,
    rate: Annotated[
        float | None, typer.Option(help="Orders a second, open loop; left out: a burst.")
    ] = None,
    senders: Annotated[int, typer.Option(min=1, help="Connections that send.")] = 64,
    stores: Annotated[int, typer.Option(min=1, help="Stores, each with its own endpoint.")] = 10,
    *,
    as_json: AsJson = False,
) -> None:
    """The path of an order, end to end: Shopify webhooks of 1.5 kB in, signed webhooks out."""
    from relevo.bench.path import path  # noqa: PLC0415  the engines are not in every installation
    from relevo.bench.run import Load  # noqa: PLC0415  as above

    load = Load(orders, senders, rate)
    figures = _with_bar(lambda progress: path(load, stores, say, progress))
    _finish(figures, as_json=as_json, table=_path_table)


def _path_table(figures: Json) -> Table:
    table = Table("what", "figure", title=f"The path of {figures['orders']} orders")
    table.add_row("orders/s, first POST to last delivery", f"{figures['orders_per_second']}")
    table.add_row("orders/s accepted", f"{figures['accepted_per_second']}")
    table.add_row("delivered ms, p50 / p95 / p99 / max", _spread(figures["latency_ms"]))
    table.add_row("answered ms, p50 / p95 / p99 / max", _spread(figures["answer_ms"]))
    for name in ("sent", "delivered", "pending", "refused", "lost", "duplicated", "unsigned"):
        table.add_row(name, str(figures[name]))
    table.add_row("SQL statements per order", str(figures["statements_per_order"]))
    table.add_row("transactions per order", str(figures["transactions_per_order"]))
    for name, seconds in figures["cpu_seconds_per_1000"].items():
        memory = figures["peak_rss_mb"].get(name)
        beside = f", {memory} MB at most" if memory is not None else ""
        table.add_row(f"CPU s per 1,000: {name}", f"{seconds}{beside}")
    table.add_row(
        "processor %", ", ".join(f"{name} {n}" for name, n in figures["machine_percent"].items())
    )
    machine = figures["machine"]
    table.add_row("machine", f"{machine['cpu']}, {machine['cores']} cores")
    return table


@app.command(name="handover")
def bench_handover(
    orders: Annotated[int, typer.Option(min=5)] = 5_000, *, as_json: AsJson = False
) -> None:
    """From the return of an order to the moment that nothing of it is attempted any more."""
    from relevo.bench.handover import handover  # noqa: PLC0415  engines are not everywhere

    figures = _with_bar(lambda progress: handover(say, progress, orders))
    _finish(figures, as_json=as_json, table=_handover_table)


def _handover_table(figures: Json) -> Table:
    table = Table("what", "figure", title=f"{figures['orders']} orders go back")
    table.add_row("hand-overs took s", str(figures["handover_seconds"]))
    table.add_row(
        "return made to return read ms, p50 / p95 / p99 / max", _spread(figures["read_ms"])
    )
    table.add_row("superseded, never attempted", str(figures["superseded"]))
    table.add_row("told to stop", str(figures["told_to_stop"]))
    table.add_row("first attempts after that", str(figures["first_attempts_after"]))
    return table


@app.command(name="fence")
def bench_fence(
    holders: Annotated[int, typer.Option(min=1, help="Batches and commands at once.")] = 24,
    hold_ms: Annotated[float, typer.Option(min=0, help="How long each holds.")] = 40.0,
    switches: Annotated[int, typer.Option(min=1)] = 200,
    *,
    as_json: AsJson = False,
) -> None:
    """How long a switch-off waits for those who hold the connection, in PostgreSQL alone."""
    from relevo.bench.fence import fence  # noqa: PLC0415  engines are not everywhere

    figures = _with_bar(lambda progress: fence(say, progress, holders, hold_ms, switches))
    _finish(figures, as_json=as_json, table=_fence_table)


def _fence_table(figures: Json) -> Table:
    table = Table("what", "figure", title="A switch behind those who hold the connection")
    table.add_row("holders, each for ms", f"{figures['holders']}, {figures['hold_ms']:g}")
    table.add_row("times it was held meanwhile", str(figures["held"]))
    table.add_row("switch ms, p50 / p95 / p99 / max", _spread(figures["switch_ms"]))
    return table


@app.command(name="lists")
def bench_lists(
    orders: Annotated[int, typer.Option(min=1_000)] = 620_000, *, as_json: AsJson = False
) -> None:
    """What the API's lists cost with very many orders, and which index serves them."""
    from relevo.bench.lists import lists  # noqa: PLC0415  engines are not everywhere

    figures = _with_bar(lambda progress: lists(say, progress, orders))
    _finish(figures, as_json=as_json, table=_lists_table)


def _lists_table(figures: Json) -> Table:
    table = Table("list", "ms", "rows", "pages", "by", title=f"With {figures['orders']} orders")
    for name, case in figures["cases"].items():
        table.add_row(name, str(case["ms"]), str(case["rows"]), str(case["pages"]), case["by"])
    return table


@app.command(name="isolation")
def bench_isolation(
    seconds: Annotated[int, typer.Option(min=1, help="Of each half.")] = 30,
    *,
    as_json: AsJson = False,
) -> None:
    """Healthy endpoints alone, then beside endpoints that accept and never answer."""
    from relevo.bench.isolation import isolation  # noqa: PLC0415  engines are not everywhere

    figures = _with_bar(lambda progress: isolation(say, progress, seconds))
    _finish(figures, as_json=as_json, table=_isolation_table)


def _isolation_table(figures: Json) -> Table:
    table = Table("what", "figure", title="Healthy endpoints beside hanging ones")
    for name in ("alone", "beside_hanging"):
        half = figures[name]
        words = name.replace("_", " ")
        table.add_row(f"{words}: ms, p50 / p95 / p99 / max", _spread(half["latency_ms"]))
        table.add_row(f"{words}: delivered, lost", f"{half['delivered']}, {half['lost']}")
    table.add_row("ratio of the p99", str(figures["p99_ratio"]))
    return table


@app.command(name="connections")
def bench_connections(
    rows: Annotated[int, typer.Option(min=1, help="Connections in one account.")] = 100_000,
    rounds: Annotated[int, typer.Option(min=1, help="Of each measurement.")] = 50,
    rate: Annotated[float, typer.Option(min=1, help="Orders a second beside the switch.")] = 300,
    *,
    as_json: AsJson = False,
) -> None:
    """The list with very many connections, the switch, what is revoked, and logging in."""
    from relevo.bench.connections import connections  # noqa: PLC0415  engines are not everywhere

    figures = _with_bar(lambda progress: connections(say, progress, rows, rounds, rate))
    _finish(figures, as_json=as_json, table=_connections_table)


def _connections_table(figures: Json) -> Table:
    table = Table("what, ms", "p50 / p95 / p99 / max", title=f"{figures['rows']} connections")
    for name, key in (
        ("a page of the list", "list_ms"),
        ("deactivate answered to routing applying it, idle", "switch_idle_ms"),
        (f"the same beside {figures['rate']:g} orders/s", "switch_busy_ms"),
        ("a revoked key is refused", "key_revoked_ms"),
        ("a log-out is known to three services", "log_out_ms"),
        (f"log-ins, {figures['log_ins_per_second']}/s", "log_in_ms"),
    ):
        table.add_row(name, _spread(figures[key]))
    wrong = ", ".join(f"{count} of {status}" for status, count in figures["wrong_at_once"].items())
    table.add_row(f"a right log-in beside {wrong}", f"{figures['right_one_ms']}")
    return table


@app.command(name="console")
def bench_console(
    orders: Annotated[int, typer.Option(min=1, help="Of one 3PL.")] = 100_000,
    rounds: Annotated[int, typer.Option(min=1, help="Of each page.")] = 100,
    streams: Annotated[int, typer.Option(min=0, help="That are open at once.")] = 500,
    *,
    as_json: AsJson = False,
) -> None:
    """What pages cost with very many orders, and how soon a change is seen in open ones."""
    from relevo.bench.console import console  # noqa: PLC0415  engines are not everywhere

    _finish(console(say, orders, rounds, streams), as_json=as_json, table=_console_table)


def _console_table(figures: Json) -> Table:
    title = f"The console, a 3PL with {figures['orders']:,} orders"
    table = Table("what", "p50 / p95 / p99 / max, ms", title=title)
    for name, spread in figures["pages_ms"].items():
        table.add_row(name, _spread(spread))
    if figures.get("streams"):
        heard = f"{figures['heard']} of {figures['streams']} open streams hear of a new order"
        table.add_row(heard, _spread(figures["stream_ms"]))
    table.caption = (
        f"Orders tab over the wire: {figures['first_bytes']:,} bytes the first time, "
        f"{figures['later_bytes']:,} after; scripts {figures['script_bytes']:,} bytes"
    )
    return table


@app.command(name="starts")
def bench_starts(
    connections: Annotated[int, typer.Option(min=1, help="On the topic.")] = 100_000,
    orders: Annotated[int, typer.Option(min=0, help="For routing to take over.")] = 100_000,
    *,
    as_json: AsJson = False,
) -> None:
    """How long a start takes with very many connections, and with orders to take over."""
    from relevo.bench.starts import starts  # noqa: PLC0415  engines are not everywhere

    _finish(starts(say, connections, orders), as_json=as_json, table=_starts_table)


def _starts_table(figures: Json) -> Table:
    title = f"Seconds to ready with {figures['connections']:,} connections"
    table = Table("service", "empty topics", "new to it", "known", title=title)
    for name, empty in figures["empty_seconds"].items():
        new, known = figures["new_seconds"][name], figures["known_seconds"][name]
        table.add_row(name, str(empty), str(new), str(known))
    if figures.get("orders"):
        takes, after = figures["takes_over_seconds"], figures["taken_over_seconds"]
        said = f"routing with {figures['orders']:,} orders to take over: {takes}"
        table.caption = f"{said}, the next start: {after}"
    return table
