"""Mail: what is to be sent, what became of it, and addresses that do not exist."""

from shared.postgres import migration

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        CREATE TABLE connections.mails (
            id uuid PRIMARY KEY,
            kind text NOT NULL,
            language text NOT NULL,
            recipient bytea NOT NULL,
            contents text,
            once text UNIQUE,
            state text NOT NULL DEFAULT 'pending'
                CHECK (state IN ('pending', 'sent', 'failed', 'suppressed')),
            attempts integer NOT NULL DEFAULT 0,
            due_at timestamptz NOT NULL DEFAULT now(),
            created_at timestamptz NOT NULL DEFAULT now(),
            ended_at timestamptz,
            error text,
            CHECK ((state = 'pending') = (contents IS NOT NULL)),
            CHECK ((state = 'pending') = (ended_at IS NULL))
        );
        COMMENT ON TABLE connections.mails IS
            'mails to send; of those that ended, who got what and when, without the contents';
        COMMENT ON COLUMN connections.mails.recipient IS 'SHA-256 of the address in lower case';
        COMMENT ON COLUMN connections.mails.contents IS
            'address and data, sealed (one-time links); erased when the mail ended';
        COMMENT ON COLUMN connections.mails.once IS
            'the key of its sender: a second mail of this key is not queued';
        COMMENT ON COLUMN connections.mails.attempts IS
            'counts the claims; who claimed may only record its own';
        COMMENT ON COLUMN connections.mails.due_at IS
            'when it is tried next; of a claimed mail, when the lease ends';
        COMMENT ON COLUMN connections.mails.ended_at IS
            'sent, given up, or not sent because the address is suppressed';
        CREATE INDEX mails_due ON connections.mails (due_at) WHERE state = 'pending';
        CREATE INDEX mails_of_recipient ON connections.mails (recipient, created_at);
        CREATE INDEX mails_ended ON connections.mails (ended_at) WHERE ended_at IS NOT NULL;

        CREATE TABLE connections.mail_suppressions (
            recipient bytea PRIMARY KEY,
            until timestamptz NOT NULL,
            error text NOT NULL
        );
        COMMENT ON TABLE connections.mail_suppressions IS
            'addresses whose server said that there is no such mailbox; nothing is sent there';
        COMMENT ON COLUMN connections.mail_suppressions.until IS
            'then it is tried again: a mailbox may exist by now';
        """
    )


def downgrade() -> None:
    migration.run(
        """
        DROP TABLE connections.mail_suppressions;
        DROP TABLE connections.mails;
        """
    )
