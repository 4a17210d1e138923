"""`relevo mails`: what people would find in their mailboxes, without a mail server."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from relevo.mails import Mailboxes, NoMail, Received, of_compose, of_folder
from relevo.terminal import RUN_FOLDER, AsJson, complain, console

app = typer.Typer()


@app.command()
def mails(
    address: Annotated[str, typer.Argument(help="Of this reader alone.")] = "",
    *,
    folder: Annotated[Path, typer.Option(help="Where the mails are.")] = RUN_FOLDER / "mail",
    compose: Annotated[bool, typer.Option("--compose", help="Those of docker compose.")] = False,
    token: Annotated[
        bool, typer.Option("--token", help="Only the token of the newest link; waits for the mail.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List mails that were written as files; with `--token`, follow the newest link."""
    mailboxes = of_compose("docker", "compose") if compose else of_folder(folder)
    if token:
        print(_token(mailboxes, address))
        return
    found = mailboxes.to(address) if address else mailboxes.all()
    if as_json:
        print(json.dumps([_row(mail) for mail in found], indent=2))
        return
    table = Table("to", "subject", "link", title="Mails, the newest last")
    for mail in found:
        table.add_row(mail.to, mail.subject, mail.link)
    console.print(table)


def _token(mailboxes: Mailboxes, address: str) -> str:
    if not address:
        raise typer.BadParameter("--token needs the address of a reader")
    try:
        return mailboxes.wait_for(address).token
    except NoMail as error:
        complain(error)
        raise typer.Exit(1) from error


def _row(mail: Received) -> dict[str, str]:
    return {"to": mail.to, "subject": mail.subject, "link": mail.link, "text": mail.text}
