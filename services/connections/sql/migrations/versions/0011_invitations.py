"""Invitations of brands to their 3PLs."""

from shared.postgres import migration

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        CREATE TABLE connections.invitations (
            id uuid PRIMARY KEY,
            brand_id uuid NOT NULL REFERENCES connections.accounts,
            store_id uuid NOT NULL REFERENCES connections.stores,
            email text NOT NULL,
            own_words text NOT NULL,
            language text NOT NULL,
            created_by uuid NOT NULL REFERENCES connections.people,
            created_at timestamptz NOT NULL DEFAULT now(),
            mailed_at timestamptz NOT NULL DEFAULT now(),
            withdrawn_at timestamptz,
            accepted_at timestamptz,
            accepted_by uuid REFERENCES connections.accounts,
            connection_id uuid REFERENCES connections.connections
        );
        CREATE INDEX invitations_brand ON connections.invitations (brand_id, id);
        COMMENT ON COLUMN connections.invitations.mailed_at IS 'when the last mail was queued';
        ALTER TABLE connections.mailed_links
            DROP CONSTRAINT mailed_links_purpose_check,
            ADD CHECK (purpose IN ('sign_up', 'reset_password', 'accept', 'stop_mail', 'join',
                                   'change_email', 'undo_email', 'invite')),
            ADD COLUMN invitation_id uuid REFERENCES connections.invitations;
        CREATE INDEX mailed_links_invitation ON connections.mailed_links (invitation_id)
            WHERE invitation_id IS NOT NULL;
        """
    )


def downgrade() -> None:
    migration.run(
        """
        DELETE FROM connections.mailed_links WHERE purpose = 'invite';
        ALTER TABLE connections.mailed_links
            DROP CONSTRAINT mailed_links_purpose_check,
            ADD CHECK (purpose IN ('sign_up', 'reset_password', 'accept', 'stop_mail', 'join',
                                   'change_email', 'undo_email')),
            DROP COLUMN invitation_id;
        DROP TABLE connections.invitations;
        """
    )
