"""Accounts whose data was erased, what is closed with them, and whose a parked record is."""

from shared.postgres import migration

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

VIEW = """
CREATE VIEW routing.order_summaries AS
SELECT id, store_id, external_id, brand_id, three_pl_id, connection_id, status, version, sequence,
       settings_version, source_created_at AS created_at, accepted_at, updated_at, number, total,
       currency, CASE WHEN status = 'on_hold' THEN routing.standing_holds(id) END AS holds{more}
FROM routing.orders WHERE sequence > 0;
"""


def upgrade() -> None:
    migration.run(
        """
        CREATE TABLE routing.erased_accounts (
            account_id uuid PRIMARY KEY,
            kind text NOT NULL,
            erased_at timestamptz NOT NULL DEFAULT now()
        );
        COMMENT ON TABLE routing.erased_accounts IS
            'of accounts.changed, written behind the closed gate of the account: what comes later '
            'about them is dropped';
        ALTER TABLE routing.orders ADD COLUMN erased_at timestamptz;
        COMMENT ON COLUMN routing.orders.erased_at IS
            'its brand was erased: the order is closed, what the store said of it is gone';
        ALTER TABLE routing.handovers
            ADD COLUMN is_whole boolean NOT NULL DEFAULT false,
            DROP CONSTRAINT handovers_connection_id_epoch_key,
            ADD UNIQUE (connection_id, epoch, is_whole);
        COMMENT ON COLUMN routing.handovers.is_whole IS
            'the 3PL was erased: all its unfinished orders go back, not the Orders tab alone';
        ALTER TABLE routing.parked_records ADD COLUMN brand_id uuid;
        COMMENT ON COLUMN routing.parked_records.brand_id IS
            'whose order it is about; null when the record does not say it readably';
        -- Every parked record is JSON: others are dead letters.
        UPDATE routing.parked_records
        SET brand_id = (convert_from(value, 'UTF8')::json->>'brand_id')::uuid
        WHERE convert_from(value, 'UTF8')::json->>'brand_id' ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
        CREATE INDEX parked_records_of_brand ON routing.parked_records (brand_id);
        -- Notes of people on copies that moves removed: nobody's, and nobody could erase them.
        UPDATE routing.order_history h
        SET why = (SELECT json_object_agg(key, value)::text FROM json_each(h.why::json)
                   WHERE key <> 'note')
        WHERE h.why LIKE '%"note":%'
          AND NOT EXISTS (SELECT FROM routing.orders o WHERE o.id = h.order_id);
        """  # noqa: E501  one regular expression
    )
    migration.run("DROP VIEW routing.order_summaries;" + VIEW.format(more=", erased_at"))


def downgrade() -> None:
    migration.run("DROP VIEW routing.order_summaries;" + VIEW.format(more=""))
    migration.run(
        """
        DROP INDEX routing.parked_records_of_brand;
        ALTER TABLE routing.parked_records DROP COLUMN brand_id;
        DELETE FROM routing.handovers WHERE is_whole;
        ALTER TABLE routing.handovers
            DROP COLUMN is_whole, ADD UNIQUE (connection_id, epoch);
        ALTER TABLE routing.orders DROP COLUMN erased_at;
        DROP TABLE routing.erased_accounts;
        """
    )
