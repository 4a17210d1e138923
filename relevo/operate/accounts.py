"""`relevo accounts`: who is on the installation, and on which plan.

Through the API of connections, with the operator's key. Exit codes: 0 done; 1 not done (no such
account, the key is wrong, connections is away); 2 the command was not understood, or `erase` was
not told `--yes`.
"""

import json
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Column, Table

from relevo.operate.asking import HERE, Json, Key, Url, ask
from relevo.terminal import AsJson, complain, console, notes

app = typer.Typer(help="Accounts and their plans: list, plan, erase.", no_args_is_help=True)
_PAGE = 200


class Kind(StrEnum):
    """What an account is."""

    BRAND = "brand"
    THREE_PL = "three_pl"


class PlanName(StrEnum):
    """The plans; `conquer` holds connections."""

    FREE = "free"
    CONQUER = "conquer"


@app.command(name="list")
def list_accounts(
    operator_key: Key,
    url: Url = HERE,
    kind: Annotated[Kind | None, typer.Option(help="Of this kind alone.")] = None,
    plan: Annotated[PlanName | None, typer.Option(help="On this plan alone.")] = None,
    q: Annotated[str | None, typer.Option(help="Beginnings of words of the name.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 1_000,
    *,
    as_json: AsJson = False,
) -> None:
    """The accounts, newest first: people, plan, connections by state."""
    wanted = {"kind": kind, "plan": plan, "q": q}
    query = {name: str(value) for name, value in wanted.items() if value is not None}
    rows: list[Json] = []
    after: Json = {}
    while len(rows) < limit:
        asked = {**query, **after, "limit": str(min(_PAGE, limit - len(rows)))}
        page = ask(url, operator_key, "GET", "/v1/accounts", params=asked)
        rows += page["data"]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    if as_json:
        print(json.dumps(rows, indent=2))
    elif rows:
        console.print(_table(rows))
    else:
        notes.print("There is no such account.")


@app.command(name="plan")
def change_plan(
    account: Annotated[UUID, typer.Argument(help="As `relevo accounts list` shows it.")],
    plan: Annotated[PlanName, typer.Argument()],
    operator_key: Key,
    url: Url = HERE,
    *,
    as_json: AsJson = False,
) -> None:
    """Put an account on a plan. Connections that are switched on go on, whatever the plan."""
    path = f"/v1/accounts/{account}/plan"
    changed = ask(url, operator_key, "PUT", path, json={"plan": plan.value})
    if as_json:
        print(json.dumps(changed, indent=2))
        return
    said = f"{changed['name']} is on plan {changed['plan']}."
    if plan is PlanName.FREE and changed["active_connections"]:
        said += (
            f" Its {changed['active_connections']} active connections go on; once switched off,"
            " they are not switched on again."
        )
    notes.print(said, markup=False, highlight=False)


@app.command()
def erase(
    account: Annotated[UUID, typer.Argument(help="As `relevo accounts list` shows it.")],
    operator_key: Key,
    url: Url = HERE,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; it cannot be undone.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase an account's personal data for good. Its connections have to be disconnected before."""
    if not yes:
        complain(
            f"This would erase what is personal of account {account}: its people who work nowhere"
            " else, names, addresses, stores' domains and keys, webhook URLs, and in every service"
            " the contents of its orders. Ids and decisions stay. It cannot be undone; say --yes."
        )
        raise typer.Exit(2)
    erased = ask(url, operator_key, "DELETE", f"/v1/accounts/{account}/personal-data")
    if as_json:
        print(json.dumps(erased, indent=2))
        return
    notes.print(
        f"{account} is erased since {erased['erased_at']}; copies of its orders stand on the log"
        f" until {erased['logs_until']}.",
        markup=False, highlight=False,
    )  # fmt: skip


def _table(rows: list[Json]) -> Table:
    # The id is what the other commands want, however narrow the terminal.
    table = Table(
        Column("id", min_width=36), "kind", "name", "plan", "people", "connections", "since"
    )
    for row in rows:
        states = ", ".join(
            f"{count} {state}" for state, count in sorted(row["connections"].items())
        )
        table.add_row(
            row["id"], row["kind"], row["name"], row["plan"], str(row["people"]), states,
            row["created_at"][:10],
        )  # fmt: skip
    return table
