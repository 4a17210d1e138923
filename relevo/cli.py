"""`relevo`: operate an installation; in a checkout also start it, try it, measure it.

Loading this module loads what an installation needs and no more: the image has no `local`, `demo`
and `bench`, and their dependencies are not in it.
"""

import platform
from importlib.util import find_spec
from typing import Annotated

import typer

from relevo import __version__
from relevo.operate.commands import app as operate

app = typer.Typer(
    name="relevo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(operate)


def _say_version(wanted: bool) -> None:  # noqa: FBT001  as Typer calls it
    if wanted:
        print(f"relevo {__version__} (Python {platform.python_version()})")
        raise typer.Exit


@app.callback()
def _first(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Which one this is."),
    ] = False,
) -> None:
    """Custody of orders between brands and their 3PLs, never in doubt."""


def _add_checkout_commands() -> None:
    """The commands of a checkout, where it is one."""
    if find_spec("relevo.local") is None:
        return
    from relevo.bench.path_commands import app as bench  # noqa: PLC0415  not in the image
    from relevo.demo.commands import app as demo  # noqa: PLC0415  as above
    from relevo.local.commands import app as local  # noqa: PLC0415  as above
    from relevo.local.log_commands import app as logs  # noqa: PLC0415  as above
    from relevo.local.mail_commands import app as mails  # noqa: PLC0415  as above
    from relevo.local.reset_commands import app as reset  # noqa: PLC0415  as above
    from relevo.local.status_commands import app as status  # noqa: PLC0415  as above

    app.add_typer(local)
    app.add_typer(logs)
    app.add_typer(mails)
    app.add_typer(reset)
    app.add_typer(status)
    app.add_typer(demo)
    app.add_typer(bench, name="bench")


def main() -> None:
    """The entry point."""
    _add_checkout_commands()
    app()
