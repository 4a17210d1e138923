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


def with_bar(run: Callable[[Callable[[int, int], None]], Json]) -> Json:
    """Run a bench under a bar of what was delivered; its figures."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=notes, transient=True) as bar:
        task = bar.add_task("delivered", total=None)
        return run(lambda done, total: bar.update(task, completed=done, total=total))


def finish(figures: Json, *, as_json: bool, table: Callable[[Json], Table]) -> None:
    """Show the figures.

    Raises:
        Exit: with 2, of a run whose ledger does not balance.
    """
    if as_json:
        print(json.dumps(figures, indent=2))
    else:
        console.print(table(figures))
    if not figures["balances"]:
        notes.print("[red]VOID: sent is not delivered + pending + refused.[/]")
        raise typer.Exit(_VOID)


def spread(latency: Json) -> str:
    """Percentiles on one line."""
    return f"{latency['p50']} / {latency['p95']} / {latency['p99']} / {latency['max']}"


@app.command(name="handover")
def bench_handover(
    orders: Annotated[int, typer.Option(min=5)] = 5_000, *, as_json: AsJson = False
) -> None:
    """From the return of an order to the moment that nothing of it is attempted any more."""
    from relevo.bench.handover import handover  # noqa: PLC0415  engines are not everywhere

    figures = with_bar(lambda progress: handover(say, progress, orders))
    finish(figures, as_json=as_json, table=_handover_table)


def _handover_table(figures: Json) -> Table:
    table = Table("what", "figure", title=f"{figures['orders']} orders go back")
    table.add_row("hand-overs took s", str(figures["handover_seconds"]))
    table.add_row(
        "return made to return read ms, p50 / p95 / p99 / max", spread(figures["read_ms"])
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

    figures = with_bar(lambda progress: fence(say, progress, holders, hold_ms, switches))
    finish(figures, as_json=as_json, table=_fence_table)


def _fence_table(figures: Json) -> Table:
    table = Table("what", "figure", title="A switch behind those who hold the connection")
    table.add_row("holders, each for ms", f"{figures['holders']}, {figures['hold_ms']:g}")
    table.add_row("times it was held meanwhile", str(figures["held"]))
    table.add_row("switch ms, p50 / p95 / p99 / max", spread(figures["switch_ms"]))
    return table


@app.command(name="lists")
def bench_lists(
    orders: Annotated[int, typer.Option(min=1_000)] = 620_000, *, as_json: AsJson = False
) -> None:
    """What the API's lists cost with very many orders, and which index serves them."""
    from relevo.bench.lists import lists  # noqa: PLC0415  engines are not everywhere

    figures = with_bar(lambda progress: lists(say, progress, orders))
    finish(figures, as_json=as_json, table=_lists_table)


def _lists_table(figures: Json) -> Table:
    table = Table("list", "ms", "rows", "pages", "by", title=f"With {figures['orders']} orders")
    for name, case in figures["cases"].items():
        table.add_row(name, str(case["ms"]), str(case["rows"]), str(case["pages"]), case["by"])
    return table


@app.command(name="isolation")
def bench_isolation(
    seconds: Annotated[int, typer.Option(min=1, help="Of each half.")] = 30,
    hanging: Annotated[int, typer.Option(min=1, help="Endpoints that never answer.")] = 100,
    *,
    as_json: AsJson = False,
) -> None:
    """Healthy endpoints alone, then beside endpoints that accept and never answer."""
    from relevo.bench.isolation import isolation  # noqa: PLC0415  engines are not everywhere

    figures = with_bar(lambda progress: isolation(say, progress, seconds, hanging))
    finish(figures, as_json=as_json, table=_isolation_table)


def _isolation_table(figures: Json) -> Table:
    hanging = figures["hanging_endpoints"]
    table = Table("what", "figure", title=f"Healthy endpoints beside {hanging} hanging ones")
    for name in ("alone", "beside_hanging"):
        half = figures[name]
        words = name.replace("_", " ")
        table.add_row(f"{words}: ms, p50 / p95 / p99 / max", spread(half["latency_ms"]))
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

    figures = with_bar(lambda progress: connections(say, progress, rows, rounds, rate))
    finish(figures, as_json=as_json, table=_connections_table)


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
        table.add_row(name, spread(figures[key]))
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

    finish(console(say, orders, rounds, streams), as_json=as_json, table=_console_table)


def _console_table(figures: Json) -> Table:
    title = f"The console, a 3PL with {figures['orders']:,} orders"
    table = Table("what", "p50 / p95 / p99 / max, ms", title=title)
    for name, latency in figures["pages_ms"].items():
        table.add_row(name, spread(latency))
    if figures.get("first_paint_ms"):
        table.add_row("Orders tab, first paint in a browser", spread(figures["first_paint_ms"]))
    if figures.get("streams"):
        told = f"from an order to its telling, {figures['streams']} open lists, 100 orders/s"
        table.add_row(told, spread(figures["stream_ms"]))
    table.caption = (
        f"Orders tab over the wire: {figures['first_bytes']:,} bytes the first time, "
        f"{figures['later_bytes']:,} after; scripts {figures['script_bytes']:,} bytes"
    )
    return table


@app.command(name="fulfilment")
def bench_fulfilment(
    rounds: Annotated[int, typer.Option(min=1, help="Batches of each.")] = 20,
    charges: Annotated[int, typer.Option(min=0, help="In a month; 0: no statements.")] = 1_000_000,
    *,
    path: Annotated[
        bool, typer.Option(help="An order's path with the service, and without.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """What rules, shipments, charges and statements cost, and the path of an order beside it."""
    from relevo.bench.fulfilment import fulfilment  # noqa: PLC0415  engines are not everywhere

    finish(fulfilment(say, rounds, charges, path=path), as_json=as_json, table=_fulfilment_table)


def _fulfilment_table(figures: Json) -> Table:
    table = Table("what", "figure", title="Rules")
    for name, milliseconds in figures["lists_ms"].items():
        rate = round(figures["rules"] / milliseconds) if milliseconds else 0
        table.add_row(
            f"a list of {figures['rules']}, {name}: ms, and rules a millisecond",
            f"{milliseconds}, {rate:,}",
        )
    table.add_row("orders decided on a second, no order rules", f"{figures['orders_per_second']:,}")
    table.add_row(
        f"the same with {figures['order_rules']} order rules",
        f"{figures['with_rules_per_second']:,}",
    )
    table.add_row("ratio of the time", str(figures["ratio"]))
    table.add_row(
        "shipments made, charged and told a second, of two events each",
        f"{figures['shipments']['shipments_per_second']:,}",
    )
    if beside := figures["path"]:
        table.add_row(
            f"path of an order at {beside['rate']:g}/s: p99 with fulfilment, without, ms",
            f"{beside['p99_with_ms']}, {beside['p99_without_ms']}: {beside['ratio']}",
        )
    if said := figures["statements"]:
        rate, many = said["shipments_charged_per_second"], f"{said['charges']:,} charges"
        table.add_row("shipments charged a second, two prices each", f"{rate:,}")
        table.add_row(f"statement of {many}: ms", str(said["statement_ms"]))
        table.add_row("the same as CSV: s", str(said["csv_seconds"]))
        table.add_row("the same as PDF, 5,000 of them: s", str(said["pdf_seconds"]))
        table.add_row("memory grew by MB", str(said["memory_grew_mb"]))
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

    finish(starts(say, connections, orders), as_json=as_json, table=_starts_table)


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
