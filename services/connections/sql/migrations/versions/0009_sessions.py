"""Versions of accounts, for `accounts.changed`; sessions with refresh tokens that rotate."""

from shared.postgres import migration

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        ALTER TABLE connections.accounts
            ADD COLUMN version integer NOT NULL DEFAULT 1,
            ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();
        ALTER TABLE connections.memberships ADD COLUMN valid_from integer NOT NULL DEFAULT 1;
        COMMENT ON COLUMN connections.memberships.valid_from IS
            'the version of the account at which the rights last changed: older tokens are over';

        ALTER TABLE connections.mailed_links
            DROP CONSTRAINT mailed_links_purpose_check,
            ADD CHECK (purpose IN ('sign_up', 'reset_password', 'accept', 'stop_mail', 'join',
                                   'change_email', 'undo_email')),
            ADD COLUMN account_id uuid REFERENCES connections.accounts,
            ADD COLUMN role text,
            ADD COLUMN person_id uuid REFERENCES connections.people;

        CREATE TABLE connections.sessions (
            id uuid PRIMARY KEY,
            person_id uuid NOT NULL REFERENCES connections.people,
            account_id uuid NOT NULL REFERENCES connections.accounts,
            device text NOT NULL,
            network text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            seen_at timestamptz NOT NULL DEFAULT now(),
            ended_at timestamptz
        );
        CREATE INDEX sessions_person ON connections.sessions (person_id, id);
        CREATE INDEX sessions_account_ended ON connections.sessions (account_id, ended_at)
            WHERE ended_at IS NOT NULL;
        COMMENT ON COLUMN connections.sessions.device IS 'what its User-Agent said, cut';
        COMMENT ON COLUMN connections.sessions.seen_at IS 'when it last asked for a token';

        CREATE TABLE connections.refresh_tokens (
            digest text PRIMARY KEY,
            session_id uuid NOT NULL REFERENCES connections.sessions ON DELETE CASCADE,
            created_at timestamptz NOT NULL DEFAULT now(),
            used_at timestamptz
        );
        CREATE INDEX refresh_tokens_session ON connections.refresh_tokens (session_id);
        COMMENT ON TABLE connections.refresh_tokens IS
            'each is good once; who shows one a second time ends the whole session';
        """
    )


def downgrade() -> None:
    migration.run(
        """
        DROP TABLE connections.refresh_tokens, connections.sessions;
        DELETE FROM connections.mailed_links
        WHERE purpose IN ('join', 'change_email', 'undo_email');
        ALTER TABLE connections.mailed_links
            DROP CONSTRAINT mailed_links_purpose_check,
            ADD CHECK (purpose IN ('sign_up', 'reset_password', 'accept', 'stop_mail')),
            DROP COLUMN account_id, DROP COLUMN role, DROP COLUMN person_id;
        ALTER TABLE connections.memberships DROP COLUMN valid_from;
        ALTER TABLE connections.accounts DROP COLUMN version, DROP COLUMN changed_at;
        """
    )
