"""Accounts with carriers, and the labels that are bought through them."""

from shared.postgres import migration

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE fulfilment.shipments ADD COLUMN label text CHECK
    (label IN ('requested', 'unknown', 'bought', 'failed', 'cancelling'));

CREATE TABLE fulfilment.carrier_accounts (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    carrier text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('manual', 'http', 'sendcloud')),
    name text NOT NULL,
    url text,
    sender_address_id bigint,
    sealed_keys text,
    version integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
COMMENT ON COLUMN fulfilment.carrier_accounts.carrier IS 'what shipping rules name it by';
COMMENT ON COLUMN fulfilment.carrier_accounts.sealed_keys IS
    'credentials (JSON), sealed; null where there are none, and since it was deleted';
CREATE UNIQUE INDEX carrier_accounts_once ON fulfilment.carrier_accounts (account_id, carrier)
    WHERE deleted_at IS NULL;

CREATE TABLE fulfilment.labels (
    id uuid PRIMARY KEY,
    shipment_id uuid NOT NULL,
    round integer NOT NULL,
    order_id uuid NOT NULL,
    brand_id uuid NOT NULL,
    three_pl_id uuid,
    carrier_account_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('requested', 'unknown', 'settled')),
    outcome text CHECK (outcome IN ('bought', 'failed', 'cancelled')),
    reason text,
    carrier_label_id text,
    parcels text NOT NULL DEFAULT '[]',
    parcel_names text[] NOT NULL DEFAULT '{}',
    documents text NOT NULL DEFAULT '[]',
    price numeric,
    currency char(3),
    next_step text CHECK (next_step IN ('buy', 'find', 'documents', 'cancel')),
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    claimed_until timestamptz,
    called_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    requested_by uuid,
    requested_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz,
    CHECK ((state = 'settled') = (outcome IS NOT NULL)),
    UNIQUE (shipment_id, round)
) WITH (fillfactor = 80);
COMMENT ON TABLE fulfilment.labels IS
    'purchases of labels: claimed here before a carrier is asked; a failed one may be tried again';
COMMENT ON COLUMN fulfilment.labels.id IS 'the reference at the carrier: never bought twice';
COMMENT ON COLUMN fulfilment.labels.parcels IS 'as the carrier knows them (JSON)';
COMMENT ON COLUMN fulfilment.labels.parcel_names IS
    'what its carrier names them by: its own ids and tracking numbers';
COMMENT ON COLUMN fulfilment.labels.documents IS 'where they are still to be fetched (JSON)';
COMMENT ON COLUMN fulfilment.labels.called_at IS 'when the carrier was asked last';
-- One that may exist, or does, for each shipment.
CREATE UNIQUE INDEX labels_once ON fulfilment.labels (shipment_id)
    WHERE outcome IS NULL OR outcome = 'bought';
CREATE INDEX labels_due ON fulfilment.labels (next_attempt_at) WHERE next_step IS NOT NULL;
CREATE INDEX labels_under_way ON fulfilment.labels (carrier_account_id)
    WHERE next_step IS NOT NULL;
CREATE INDEX labels_of_parcels ON fulfilment.labels USING gin (parcel_names)
    WHERE outcome = 'bought';
CREATE INDEX labels_of_brand ON fulfilment.labels (brand_id);

CREATE TABLE fulfilment.label_documents (
    label_id uuid NOT NULL REFERENCES fulfilment.labels,
    parcel integer NOT NULL,
    format text NOT NULL CHECK (format IN ('pdf', 'zpl', 'png')),
    content bytea NOT NULL,
    fetched_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (label_id, parcel, format)
);
-- They are compressed as far as they can be.
ALTER TABLE fulfilment.label_documents ALTER COLUMN content SET STORAGE EXTERNAL;
"""


def upgrade() -> None:
    migration.run(TABLES)


def downgrade() -> None:
    migration.run(
        """
        DROP TABLE fulfilment.label_documents, fulfilment.labels, fulfilment.carrier_accounts;
        ALTER TABLE fulfilment.shipments DROP COLUMN label;
        """
    )
