"""Migrations as plain SQL: several statements in one string, in Alembic's transaction."""

from alembic import op
from sqlalchemy.engine.interfaces import AdaptedConnection


def run(sql: str) -> None:
    """Execute a script in the running migration.

    SQLAlchemy prepares every statement, and Postgres prepares only one at a time; the simple query
    protocol takes them all and stays in the transaction.
    """
    connection = op.get_bind().connection.dbapi_connection
    if not isinstance(connection, AdaptedConnection):
        raise TypeError("migrations run on asyncpg")
    connection.run_async(lambda driver: driver.execute(sql))
