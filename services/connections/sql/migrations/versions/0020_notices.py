"""What other services said that people should hear of, and what is mailed of it."""

from shared.postgres import migration

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        CREATE TABLE connections.notices (
            id uuid PRIMARY KEY,
            account_id uuid NOT NULL REFERENCES connections.accounts,
            kind text NOT NULL,
            data jsonb NOT NULL,
            raised_at timestamptz NOT NULL,
            mailed_at timestamptz
        );
        COMMENT ON TABLE connections.notices IS 'from the topic of that name; kept for 90 days';
        COMMENT ON COLUMN connections.notices.mailed_at IS
            'when its mails were queued, to whoever wanted them: perhaps nobody';
        CREATE INDEX notices_of_account ON connections.notices (account_id, raised_at, id);
        CREATE INDEX notices_waiting ON connections.notices (account_id, kind, raised_at)
            WHERE mailed_at IS NULL;
        CREATE INDEX notices_by_age ON connections.notices (raised_at);

        CREATE TABLE connections.notice_turns (
            account_id uuid NOT NULL REFERENCES connections.accounts,
            kind text NOT NULL,
            due_at timestamptz,
            mailed_at timestamptz,
            PRIMARY KEY (account_id, kind)
        );
        COMMENT ON TABLE connections.notice_turns IS
            'when notices of a kind are mailed to an account next; locked by who mails them';
        COMMENT ON COLUMN connections.notice_turns.due_at IS 'null: none waits';
        CREATE INDEX notice_turns_due ON connections.notice_turns (due_at)
            WHERE due_at IS NOT NULL;

        CREATE TABLE connections.muted_notices (
            person_id uuid NOT NULL,
            account_id uuid NOT NULL,
            kind text NOT NULL,
            PRIMARY KEY (person_id, account_id, kind),
            FOREIGN KEY (person_id, account_id) REFERENCES connections.memberships
                ON DELETE CASCADE
        );
        COMMENT ON TABLE connections.muted_notices IS
            'kinds that somebody wants no mails of; whoever leaves the account leaves none';
        """
    )


def downgrade() -> None:
    migration.run(
        """
        DROP TABLE connections.muted_notices;
        DROP TABLE connections.notice_turns;
        DROP TABLE connections.notices;
        """
    )
