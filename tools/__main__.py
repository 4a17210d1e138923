"""`python -m tools docs | docs --check | audit | house | words`: what make runs in a checkout."""

import typer
from rich.console import Console

from tools import docs as documents
from tools import problems, queries
from tools import words as console_words
from tools.audit import LOCK, Verdict
from tools.audit import audit as look_up

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
notes = Console(stderr=True)
_AUDIT_STYLES = {"clean": "green", "skipped": "bold yellow", "vulnerable": "bold red"}


@app.command()
def audit() -> None:
    """Look for known vulnerabilities in the locked dependencies; says when it could not."""
    verdict, said = look_up(LOCK)
    notes.print(said, markup=False, soft_wrap=True, style=_AUDIT_STYLES[verdict.value])
    raise typer.Exit(1 if verdict is Verdict.VULNERABLE else 0)


@app.command()
def docs(
    *,
    check: bool = typer.Option(default=False, help="Write nothing; exit code 1 when they differ."),
) -> None:
    """Write the generated documents as the code says it."""
    if check:
        difference = documents.drift()
        if difference:
            print(difference)
            notes.print("The committed documents differ from the code. `make docs` writes them.")
            raise typer.Exit(1)
        return
    print(
        "\n".join(f"wrote {path}" for path in documents.write()) or "all documents are up to date"
    )


@app.command()
def words() -> None:
    """Bring the console's sentences to the files of the translators; those that wait for one."""
    for sentence in console_words.update():
        print(sentence)


@app.command(name="queries", hidden=True)
@app.command()
def house() -> None:
    """Hold the code to the rules that ruff cannot see: queries, tenants, refusals."""
    found = [*queries.flaws(), *problems.flaws()]
    for flaw in found:
        notes.print(flaw, markup=False, soft_wrap=True, style="red")
    raise typer.Exit(1 if found else 0)


if __name__ == "__main__":
    app()
