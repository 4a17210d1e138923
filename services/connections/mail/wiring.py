"""From settings to a sender of mails."""

from datetime import timedelta

from services.connections.mail.files import Files
from services.connections.mail.sender import Pace, Sender
from services.connections.mail.smtp import Smtp
from services.connections.mail.transport import Transport
from services.connections.settings import Settings
from shared.postgres.database import Database
from shared.sealing import Sealer

# Of mails that never leave this machine.
_LOCAL_SENDER = "Relevo <relevo@relevo.test>"


def mail_sender(settings: Settings, database: Database, sealer: Sealer) -> Sender:
    """The background work that sends mails, by SMTP or as files."""
    return Sender(
        database,
        sealer,
        _transport(settings),
        settings.connections_mail_from or _LOCAL_SENDER,
        settings.connections_mail_contact,
        Pace(
            concurrency=settings.connections_mail_concurrency,
            send_seconds=settings.connections_mail_send_seconds,
            poll_seconds=settings.connections_mail_poll_seconds,
            retry_seconds=settings.connections_mail_retry_seconds,
            keep=timedelta(days=settings.connections_mail_keep_days),
        ),
    )


def _transport(settings: Settings) -> Transport:
    if not settings.connections_smtp_host:
        return Files(settings.connections_mail_folder)
    return Smtp(
        host=settings.connections_smtp_host,
        port=settings.connections_smtp_port,
        tls=settings.connections_smtp_tls,
        user=settings.connections_smtp_user,
        password=settings.connections_smtp_password,
        sender=settings.connections_mail_from,
        seconds=settings.connections_mail_send_seconds,
    )
