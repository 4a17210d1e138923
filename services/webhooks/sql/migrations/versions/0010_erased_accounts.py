"""Accounts whose data was erased: bodies, answers, URLs and secrets of theirs are not kept."""

from shared.postgres import erased_accounts, migration

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COMMENTS = """
COMMENT ON COLUMN webhooks.deliveries.state IS
    'pending → delivered | retrying | exhausted; retrying → delivered | exhausted; '
    'pending | retrying → parked → where it was; any unfinished → superseded (its order went back, '
    'or an account was erased), and from there → delivered by an attempt that was under way';
COMMENT ON COLUMN webhooks.events.body IS
    'the value of orders.events as it came: these bytes are signed and sent, and never parsed; '
    'empty since its brand was erased';
COMMENT ON COLUMN webhooks.endpoints.sealed_url IS
    'sealed for endpoint-url:<id>; empty, as its secrets are, since its 3PL was erased';
"""


def upgrade() -> None:
    migration.run(erased_accounts.CREATE.format(schema="webhooks"))
    migration.run(COMMENTS)


def downgrade() -> None:
    migration.run("DROP TABLE webhooks.erased_accounts")
