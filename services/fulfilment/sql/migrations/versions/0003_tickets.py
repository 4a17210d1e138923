"""Tickets with their messages and attachments, and who answers for the tickets of an order."""

from shared.postgres import migration
from shared.web.idempotency import CREATE_V1 as IDEMPOTENCY_KEYS

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ORDERS = """
ALTER TABLE fulfilment.orders ADD COLUMN support_owner text NOT NULL DEFAULT 'brand'
    CHECK (support_owner IN ('brand', 'three_pl'));
ALTER TABLE fulfilment.orders ADD COLUMN support_of uuid GENERATED ALWAYS AS (
    CASE support_owner WHEN 'brand' THEN brand_id ELSE three_pl_id END) STORED;
COMMENT ON COLUMN fulfilment.orders.support_owner IS 'of the snapshot';
COMMENT ON COLUMN fulfilment.orders.support_of IS 'the account that opens and answers tickets';
-- What is known says nothing of it: the log is read once more, and the newest event counts again.
UPDATE fulfilment.orders SET sequence = sequence - 1;
DELETE FROM fulfilment.positions WHERE topic = 'orders.events';
"""

TICKETS = """
CREATE TABLE fulfilment.tickets (
    id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    kind text NOT NULL CHECK (kind IN ('carrier', 'help')),
    account_id uuid NOT NULL,
    other_id uuid,
    order_id uuid,
    category text NOT NULL,
    state text NOT NULL,
    fields text,
    carrier_email text,
    language text NOT NULL DEFAULT 'en',
    reply_key bytea UNIQUE,
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    opened_at timestamptz,
    state_since timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz,
    erased_at timestamptz,
    CHECK ((kind = 'carrier') = (order_id IS NOT NULL))
) WITH (fillfactor = 90);
COMMENT ON TABLE fulfilment.tickets IS
    'what is asked of a carrier about an order, or of the operator';
COMMENT ON COLUMN fulfilment.tickets.account_id IS
    'who opened it and answers: of a carrier ticket the support owner of the order''s snapshot';
COMMENT ON COLUMN fulfilment.tickets.other_id IS
    'the other party of the order then; reads it from when it is open, wherever the order goes';
COMMENT ON COLUMN fulfilment.tickets.fields IS
    'what its category needs (services/fulfilment/tickets/needs.py, JSON)';
COMMENT ON COLUMN fulfilment.tickets.reply_key IS 'random; of the address that carriers answer to';
COMMENT ON COLUMN fulfilment.tickets.due_at IS 'when its state has lasted too long';
CREATE INDEX tickets_of_account ON fulfilment.tickets (account_id, id);
CREATE INDEX tickets_of_other ON fulfilment.tickets (other_id, id) WHERE other_id IS NOT NULL;
CREATE INDEX tickets_for_help ON fulfilment.tickets (id) WHERE kind = 'help';

CREATE TABLE fulfilment.ticket_messages (
    id uuid PRIMARY KEY,
    ticket_id uuid NOT NULL REFERENCES fulfilment.tickets,
    author text NOT NULL CHECK (author IN ('owner', 'carrier', 'operator')),
    written_by uuid,
    text text,
    mail_digest bytea,
    written_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN fulfilment.ticket_messages.text IS 'null since an erasure';
COMMENT ON COLUMN fulfilment.ticket_messages.mail_digest IS
    'of the Message-ID: a mail that comes twice is one message';
CREATE INDEX ticket_messages_of_ticket ON fulfilment.ticket_messages (ticket_id, id);
CREATE UNIQUE INDEX ticket_messages_mailed
    ON fulfilment.ticket_messages (ticket_id, mail_digest) WHERE mail_digest IS NOT NULL;

CREATE TABLE fulfilment.ticket_attachments (
    id uuid PRIMARY KEY,
    ticket_id uuid NOT NULL REFERENCES fulfilment.tickets,
    name text,
    content_type text,
    size_bytes bigint,
    digest bytea,
    added_by uuid,
    begun_at timestamptz NOT NULL DEFAULT now(),
    added_at timestamptz
);
COMMENT ON COLUMN fulfilment.ticket_attachments.added_at IS 'null while it is being sent';
COMMENT ON COLUMN fulfilment.ticket_attachments.digest IS 'SHA-256: the same file again is one';
CREATE INDEX ticket_attachments_of_ticket ON fulfilment.ticket_attachments (ticket_id, id);
CREATE INDEX ticket_attachments_begun ON fulfilment.ticket_attachments (begun_at)
    WHERE added_at IS NULL;

CREATE TABLE fulfilment.ticket_attachment_parts (
    attachment_id uuid NOT NULL
        REFERENCES fulfilment.ticket_attachments ON DELETE CASCADE,
    number integer NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (attachment_id, number)
);
-- Pictures and PDFs are compressed already.
ALTER TABLE fulfilment.ticket_attachment_parts ALTER COLUMN content SET STORAGE EXTERNAL;
"""


def upgrade() -> None:
    migration.run(ORDERS)
    migration.run(TICKETS)
    migration.run(IDEMPOTENCY_KEYS.format(schema="fulfilment"))


def downgrade() -> None:
    migration.run(
        """
        DROP TABLE fulfilment.ticket_attachment_parts, fulfilment.ticket_attachments,
            fulfilment.ticket_messages, fulfilment.tickets, fulfilment.idempotency_keys;
        ALTER TABLE fulfilment.orders DROP COLUMN support_of, DROP COLUMN support_owner;
        """
    )
