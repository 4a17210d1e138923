"""Price lists, what they do not cover, and the ledger of fees."""

from shared.postgres import migration

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
CREATE FUNCTION fulfilment.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is only added to', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TABLE fulfilment.price_lists (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    charged_account uuid,
    name text NOT NULL,
    currency char(3) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (account_id <> charged_account)
);
COMMENT ON COLUMN fulfilment.price_lists.account_id IS 'who charges: the operator, or a 3PL';
COMMENT ON COLUMN fulfilment.price_lists.charged_account IS
    'null: everybody who has no list of their own';
CREATE UNIQUE INDEX price_lists_once ON fulfilment.price_lists (account_id, charged_account)
    NULLS NOT DISTINCT;
CREATE INDEX price_lists_charged ON fulfilment.price_lists (charged_account);

CREATE TABLE fulfilment.price_list_versions (
    price_list_id uuid NOT NULL REFERENCES fulfilment.price_lists,
    version integer NOT NULL,
    valid_from timestamptz NOT NULL,
    prices text NOT NULL,
    set_by uuid,
    set_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (price_list_id, version)
);
COMMENT ON TABLE fulfilment.price_list_versions IS
    'of those that are valid at a time the newest counts';
CREATE TRIGGER price_list_versions_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON fulfilment.price_list_versions
    FOR EACH STATEMENT EXECUTE FUNCTION fulfilment.refuse_change();

CREATE TABLE fulfilment.ledger_entries (
    id uuid PRIMARY KEY,
    phase text NOT NULL CHECK (phase IN ('pending', 'posted', 'voided', 'corrected')),
    pending_id uuid REFERENCES fulfilment.ledger_entries,
    debit_account uuid NOT NULL,
    credit_account uuid NOT NULL,
    amount numeric NOT NULL,
    currency char(3) NOT NULL,
    digits smallint NOT NULL,
    price_list_id uuid NOT NULL,
    version integer NOT NULL,
    item text NOT NULL,
    basis text NOT NULL CHECK
        (basis IN ('order', 'item', 'weight', 'carrier', 'own_contract', 'correction')),
    quantity bigint NOT NULL,
    round integer NOT NULL DEFAULT 0,
    shipment_id uuid NOT NULL,
    order_id uuid NOT NULL,
    brand_id uuid NOT NULL,
    three_pl_id uuid,
    entered_by uuid,
    entered_at timestamptz NOT NULL DEFAULT now(),
    CHECK (debit_account <> credit_account),
    CHECK (amount > 0 AND amount < 1e15 AND scale(amount) <= digits),
    CHECK ((phase = 'pending') = (pending_id IS NULL)),
    CHECK ((phase = 'corrected') = (basis = 'correction'))
);
COMMENT ON TABLE fulfilment.ledger_entries IS
    'each row one debit and one credit of one currency; only ever added to';
COMMENT ON COLUMN fulfilment.ledger_entries.id IS
    'a function of shipment, price list, item and phase (shared/ids.py)';
COMMENT ON COLUMN fulfilment.ledger_entries.pending_id IS
    'of what is posted or voided the pending entry; of a correction the posted one';
COMMENT ON COLUMN fulfilment.ledger_entries.digits IS 'that the currency has';
COMMENT ON COLUMN fulfilment.ledger_entries.round IS
    'of an order''s fee: how often it was given back with its shipment before';
COMMENT ON COLUMN fulfilment.ledger_entries.entered_by IS
    'who corrected it; null: it followed from a shipment';
CREATE UNIQUE INDEX ledger_ends ON fulfilment.ledger_entries (pending_id)
    WHERE phase IN ('posted', 'voided');
CREATE UNIQUE INDEX ledger_order_once
    ON fulfilment.ledger_entries (order_id, price_list_id, item, round)
    WHERE phase = 'posted' AND basis = 'order';
CREATE INDEX ledger_debits ON fulfilment.ledger_entries (debit_account, entered_at, id);
CREATE INDEX ledger_credits ON fulfilment.ledger_entries (credit_account, entered_at, id);
CREATE INDEX ledger_of_shipment ON fulfilment.ledger_entries (shipment_id);
CREATE TRIGGER ledger_entries_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON fulfilment.ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION fulfilment.refuse_change();

CREATE TABLE fulfilment.ledger_reasons (
    entry_id uuid PRIMARY KEY REFERENCES fulfilment.ledger_entries,
    brand_id uuid NOT NULL,
    three_pl_id uuid,
    reason text
);
COMMENT ON COLUMN fulfilment.ledger_reasons.reason IS
    'why it was voided or corrected; null since a party of it was erased';
CREATE INDEX ledger_reasons_of_brand ON fulfilment.ledger_reasons (brand_id)
    WHERE reason IS NOT NULL;
CREATE INDEX ledger_reasons_of_three_pl ON fulfilment.ledger_reasons (three_pl_id)
    WHERE reason IS NOT NULL;

CREATE TABLE fulfilment.ledger_shipments (
    shipment_id uuid PRIMARY KEY,
    order_id uuid NOT NULL,
    brand_id uuid NOT NULL,
    three_pl_id uuid,
    billing_of uuid NOT NULL,
    item_count integer NOT NULL,
    weight_grams bigint,
    carrier text,
    own_contract boolean NOT NULL,
    processed_at timestamptz NOT NULL,
    posted_at timestamptz,
    voided_at timestamptz
);
COMMENT ON TABLE fulfilment.ledger_shipments IS
    'what prices look at, and whether it is charged; locked by whoever writes entries of its order';
CREATE INDEX ledger_shipments_of_order ON fulfilment.ledger_shipments (order_id);

CREATE TABLE fulfilment.unpriced (
    id uuid PRIMARY KEY,
    shipment_id uuid NOT NULL REFERENCES fulfilment.ledger_shipments,
    price_list_id uuid NOT NULL REFERENCES fulfilment.price_lists,
    item text NOT NULL,
    why text NOT NULL,
    debit_account uuid NOT NULL,
    credit_account uuid NOT NULL,
    noticed_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz,
    outcome text CHECK (outcome IN ('priced', 'voided')),
    CHECK ((settled_at IS NULL) = (outcome IS NULL))
);
COMMENT ON TABLE fulfilment.unpriced IS
    'what a price list does not cover: charged when a version of it does';
CREATE INDEX unpriced_open ON fulfilment.unpriced (credit_account, noticed_at, id)
    WHERE settled_at IS NULL;
CREATE INDEX unpriced_of_shipment ON fulfilment.unpriced (shipment_id) WHERE settled_at IS NULL;

-- Whose brands a 3PL has orders of: they read its prices.
DROP INDEX fulfilment.orders_of_brand;
CREATE INDEX orders_of_brand ON fulfilment.orders (brand_id, three_pl_id);
"""


def upgrade() -> None:
    migration.run(TABLES)


def downgrade() -> None:
    migration.run(
        """
        DROP TABLE fulfilment.unpriced, fulfilment.ledger_shipments, fulfilment.ledger_reasons,
            fulfilment.ledger_entries, fulfilment.price_list_versions, fulfilment.price_lists;
        DROP INDEX fulfilment.orders_of_brand;
        CREATE INDEX orders_of_brand ON fulfilment.orders (brand_id);
        DROP FUNCTION fulfilment.refuse_change();
        """
    )
