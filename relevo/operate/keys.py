"""`relevo keys`: which keys sign access tokens, and how they take turns.

Through the API of connections, with the operator's key. Exit codes: 0 done; 1 not done (a rotation
is under way, the key is wrong, connections is away); 2 the command was not understood.
"""

import json
from typing import Annotated

import typer
from rich.table import Table

from relevo.operate.asking import HERE, Json, Key, Url, ask
from relevo.terminal import AsJson, console, notes

app = typer.Typer(help="Keys that sign access tokens: list, rotate.", no_args_is_help=True)


@app.command(name="list")
def list_keys(operator_key: Key, url: Url = HERE, *, as_json: AsJson = False) -> None:
    """The keys that tokens verify by now."""
    _show(ask(url, operator_key, "GET", "/v1/signing-keys"), as_json=as_json)


@app.command()
def rotate(
    operator_key: Key,
    url: Url = HERE,
    *,
    retire_now: Annotated[
        bool,
        typer.Option(
            help="Every other key is over at once, and all tokens with it: people and machines "
            "ask for new ones. For a key that somebody else may have."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Let a new key sign. It is announced first and signs a minute later; nothing is restarted."""
    body = {"retire_now": retire_now}
    _show(ask(url, operator_key, "POST", "/v1/signing-keys/rotate", json=body), as_json=as_json)
    if not retire_now:
        notes.print("The new key signs a minute after every service could read it.")


def _show(keys: Json, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(keys["data"], indent=2))
        return
    table = Table("kid", "state", "since (UTC)", "signs from", "verifies until")
    for key in keys["data"]:
        times = (key["created_at"], key["signs_from"], key["verifies_until"])
        # To the second, in UTC as everywhere.
        shown = ((at or "")[:19].replace("T", " ") for at in times)
        table.add_row(key["kid"], key["state"], *shown)
    console.print(table)
