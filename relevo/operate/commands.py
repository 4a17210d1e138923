"""The commands of every installation: what sets it up, what shows how it is, what mends it."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Annotated

import typer

from relevo.operate.accounts import app as accounts
from relevo.operate.dead_letters import app as dead_letters
from relevo.operate.doctor.command import app as doctor
from relevo.operate.keys import app as keys
from relevo.operate.outbox import app as outbox
from relevo.operate.parked import app as parked
from relevo.operate.patience import in_words, place
from relevo.operate.verify import app as verify
from relevo.terminal import complain, disk_fault, notes

app = typer.Typer()
app.add_typer(accounts, name="accounts")
app.add_typer(keys, name="keys")
app.add_typer(parked, name="parked")
app.add_typer(dead_letters, name="dlq")
app.add_typer(doctor)
app.add_typer(outbox, name="outbox")
app.add_typer(verify, name="verify")
_DSN = "postgresql://user:password@host:port/database is wanted"

Wait = Annotated[float, typer.Option(min=0, help="How many seconds to wait for the server.")]


@app.command()
def migrate(
    dsn: Annotated[str, typer.Option(envvar="RELEVO_POSTGRES_DSN", help="postgresql://…")],
    wait: Wait = 60,
) -> None:
    """Bring the database to the newest revision of every schema; safe to run again.

    Services log in with the passwords in POSTGRES_<SERVICE>_PASSWORD; what is not set stays.
    """
    import asyncpg  # noqa: PLC0415  as below
    from alembic.util import CommandError as AlembicError  # noqa: PLC0415  as below
    from sqlalchemy.exc import ArgumentError, DBAPIError  # noqa: PLC0415  as below

    from relevo.operate import migrations, secrets  # noqa: PLC0415  Alembic takes its time to load

    where = f"Postgres at {place(dsn)}" if place(dsn) else "Postgres"
    passwords = secrets.passwords(os.environ)
    try:
        applied = asyncio.run(migrations.migrate(dsn, wait, passwords=passwords, say=complain))
    except (OSError, asyncpg.PostgresError) as error:
        complain(f"{where}: {in_words(error)}. Nothing has changed.")
        raise typer.Exit(1) from error
    except (DBAPIError, AlembicError) as error:
        complain(f"{where}: {getattr(error, 'orig', error)}. Nothing has changed.")
        raise typer.Exit(1) from error
    except (ValueError, asyncpg.InterfaceError, ArgumentError) as error:
        # What they say may quote a part of the password.
        complain(f"The DSN cannot be read: {_DSN}. Quote what is special in the password (%2F).")
        raise typer.Exit(1) from error
    print("\n".join(f"applied {step}" for step in applied) or "already at the newest revision")


@app.command()
def topics(
    kafka: Annotated[str, typer.Option(envvar="RELEVO_KAFKA", help="Bootstrap servers.")],
    prefix: Annotated[str, typer.Option(envvar="RELEVO_TOPIC_PREFIX")] = "",
    partitions: Annotated[int, typer.Option(min=1)] = 12,
    replication: Annotated[int, typer.Option(min=1, help="3 on a cluster of three.")] = 1,
    wait: Wait = 60,
) -> None:
    """Create the topics that are missing, with explicit settings; safe to run again."""
    from aiokafka.errors import KafkaError  # noqa: PLC0415  as below

    from relevo.operate.topics import create  # noqa: PLC0415  aiokafka takes its time to load

    # What it says of each of its many tries, we say once a second.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        created = asyncio.run(create(kafka, prefix, partitions, replication, wait, complain))
    except (OSError, ValueError, KafkaError) as error:
        complain(f"Kafka at {kafka}: {in_words(error)}")
        raise typer.Exit(1) from error
    print("\n".join(f"created {name}" for name in created) or "all topics exist")


@app.command(name="secrets")
def make_secrets(
    out: Annotated[Path, typer.Option(help="Where to write them; never overwritten.")] = Path(
        "secrets.env"
    ),
) -> None:
    """Make the secrets of an installation: keys, passwords, the operator's key.

    A file of before the services had passwords of their own gets these; the rest stays as it is.
    """
    try:
        notes.print(_written(out), emoji=False)
    except OSError as error:
        complain(disk_fault(error, out))
        raise typer.Exit(1) from error


def _written(out: Path) -> str:
    from relevo.operate import secrets  # noqa: PLC0415  cryptography takes its time to load

    if not out.exists():
        secrets.write(out, secrets.generate())
        return f"Wrote {out}, readable to you alone. Keep it: sealed data opens with it only."
    added = secrets.add_passwords(out)
    said = f"{', '.join(added)} added" if added else "remove it yourself to make new secrets"
    return f"{out} exists already and is kept: {said}."
