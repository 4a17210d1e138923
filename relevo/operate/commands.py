"""The commands of every installation: what sets it up, what shows how it is, what mends it."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from relevo.operate.accounts import app as accounts
from relevo.operate.dead_letters import app as dead_letters
from relevo.operate.keys import app as keys
from relevo.operate.outbox import app as outbox
from relevo.operate.parked import app as parked
from relevo.operate.verify import app as verify
from relevo.terminal import complain, notes

app = typer.Typer()
app.add_typer(accounts, name="accounts")
app.add_typer(keys, name="keys")
app.add_typer(parked, name="parked")
app.add_typer(dead_letters, name="dlq")
app.add_typer(outbox, name="outbox")
app.add_typer(verify, name="verify")


@app.command()
def migrate(
    dsn: Annotated[str, typer.Option(envvar="RELEVO_POSTGRES_DSN", help="postgresql://…")],
) -> None:
    """Bring the database to the newest revision of every schema; safe to run again.

    Services log in with the passwords in POSTGRES_<SERVICE>_PASSWORD; what is not set stays.
    """
    import asyncpg  # noqa: PLC0415  as below

    from relevo.operate import migrations, secrets  # noqa: PLC0415  Alembic takes its time to load

    try:
        applied = asyncio.run(migrations.migrate(dsn, passwords=secrets.passwords(os.environ)))
    except (OSError, asyncpg.PostgresError) as error:
        complain(f"Postgres: {error}. Nothing has changed.")
        raise typer.Exit(1) from error
    print("\n".join(f"applied {step}" for step in applied) or "already at the newest revision")


@app.command()
def topics(
    kafka: Annotated[str, typer.Option(envvar="RELEVO_KAFKA", help="Bootstrap servers.")],
    prefix: Annotated[str, typer.Option(envvar="RELEVO_TOPIC_PREFIX")] = "",
    partitions: Annotated[int, typer.Option(min=1)] = 12,
    replication: Annotated[int, typer.Option(min=1, help="3 on a cluster of three.")] = 1,
) -> None:
    """Create the topics that are missing, with explicit settings; safe to run again."""
    from aiokafka.errors import KafkaError  # noqa: PLC0415  as below

    from relevo.operate.topics import create  # noqa: PLC0415  aiokafka takes its time to load

    try:
        created = asyncio.run(create(kafka, prefix, partitions, replication))
    except (OSError, KafkaError) as error:
        complain(f"Kafka: {error}")
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
    from relevo.operate import secrets  # noqa: PLC0415  cryptography takes its time to load

    try:
        secrets.write(out, secrets.generate())
    except FileExistsError:
        added = secrets.add_passwords(out)
        said = f"{', '.join(added)} added" if added else "remove it yourself to make new secrets"
        notes.print(f"{out} exists already and is kept: {said}.")
    else:
        notes.print(f"Wrote {out}, readable to you alone. Keep it: sealed data opens with it only.")
