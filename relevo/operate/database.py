"""How operators' commands ask Postgres: one session, errors as sentences."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from relevo.terminal import complain

if TYPE_CHECKING:
    import asyncpg

T = TypeVar("T")
_CONNECT_SECONDS = 5

Dsn = Annotated[str, typer.Option(envvar="RELEVO_POSTGRES_DSN", help="postgresql://…")]


def ask(dsn: str, schema: str, work: "Callable[[asyncpg.Connection], Awaitable[T]]") -> T:
    """What `work` says, given a session with the schema first on its search path.

    Raises:
        typer.Exit: 1, Postgres is away or refused; it was said why.
    """
    import asyncpg  # noqa: PLC0415  takes its time to load

    async def asked() -> T:
        session = await asyncpg.connect(
            dsn, timeout=_CONNECT_SECONDS, server_settings={"search_path": f"{schema},public"}
        )
        try:
            return await work(session)
        finally:
            await session.close()

    try:
        return asyncio.run(asked())
    except (OSError, asyncpg.PostgresError) as error:
        complain(f"Postgres: {error}. Nothing has changed.")
        raise typer.Exit(1) from error
