"""`relevo`: operate an installation; in a checkout also start it, try it, measure it.

Loading this module loads what an installation needs and no more: the image has no `local`, `demo`
and `bench`, and their dependencies are not in it.
"""

from importlib.util import find_spec

import typer

from relevo.operate.commands import app as operate

app = typer.Typer(
    name="relevo",
    help="Custody of orders between brands and their 3PLs, never in doubt.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(operate)


def _add_checkout_commands() -> None:
    """The commands of a checkout, where it is one."""
    if find_spec("relevo.local") is None:
        return
    from relevo.bench.path_commands import app as bench  # noqa: PLC0415  not in the image
    from relevo.demo.commands import app as demo  # noqa: PLC0415  as above
    from relevo.local.commands import app as local  # noqa: PLC0415  as above
    from relevo.local.mail_commands import app as mails  # noqa: PLC0415  as above
    from relevo.local.status_commands import app as status  # noqa: PLC0415  as above

    app.add_typer(local)
    app.add_typer(mails)
    app.add_typer(status)
    app.add_typer(demo)
    app.add_typer(bench, name="bench")


def main() -> None:
    """The entry point."""
    _add_checkout_commands()
    app()
