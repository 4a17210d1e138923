"""The Add Brand form: a phone, the warehouse as an address, a note; and a version of it all.

Warehouses were one text: it stands in `address1` from now on.
"""

from shared.postgres import migration

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        ALTER TABLE connections.brand_profiles
            ADD COLUMN contact_phone text,
            ADD COLUMN priorities_note text,
            ADD COLUMN version integer NOT NULL DEFAULT 1,
            ALTER COLUMN warehouse TYPE jsonb USING
                CASE WHEN warehouse IS NOT NULL
                     THEN jsonb_build_object('address1', warehouse) END;
        """
    )


def downgrade() -> None:
    migration.run(
        """
        ALTER TABLE connections.brand_profiles
            DROP COLUMN contact_phone, DROP COLUMN priorities_note, DROP COLUMN version,
            ALTER COLUMN warehouse TYPE text USING warehouse ->> 'address1';
        """
    )
