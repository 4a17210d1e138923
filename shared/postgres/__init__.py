"""Postgres: one pool per process, named SQL, the outbox, migrations in plain SQL."""
