"""Mails on their way: queued with their cause, sent once, known and forgotten."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.connections.mail.kinds import ConfirmAddress, Mail, ResetPassword
from services.connections.settings import Settings
from tests.kit.mailbox import Folder, Server
from tests.kit.post import LINK, Post, a_mail, sending
from tests.kit.waiting import eventually, wait_until


async def test_a_mail_arrives_with_everything_a_mail_needs(
    settings: Settings, server: Server, post: Post
) -> None:
    async with sending(settings):
        await post.queue(Mail("ada@shop.test", ConfirmAddress(link=LINK), language="es"))
        (mail,) = await server.wait_for("ada@shop.test")
        (row,) = await post.all_ended()
    assert mail.subject == "Confirma tu dirección de correo"
    assert (mail.link, mail.token) == (LINK, "s3cret")
    assert LINK in mail.html
    assert "help@relevo.example" in mail.text
    assert mail.id == f"<{row['id']}@relevo.example>"
    assert mail.message["From"] == "Relevo <relevo@relevo.example>"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert mail.message["Date"].datetime == row["created_at"].replace(microsecond=0)


async def test_what_was_sent_is_known_and_its_contents_are_gone(
    settings: Settings, post: Post
) -> None:
    await post.queue(a_mail("Ada@shop.test"))
    (row,) = await post.rows()
    assert "s3cret" not in str(row)
    assert "ada@shop.test" not in str(row).lower()
    async with sending(settings):
        (row,) = await post.all_ended()
    assert (row["state"], row["kind"], row["contents"]) == ("sent", "confirm_address", None)
    assert datetime.now(UTC) - row["ended_at"] < timedelta(minutes=1)
    async with post.database.session() as session:
        count = post.outgoing.count
        assert await count(session, "ada@SHOP.test", timedelta(hours=1)) == 1
        assert await count(session, "ada@shop.test", timedelta(hours=1), {"claim"}) == 0
        assert await count(session, "bob@shop.test", timedelta(hours=1)) == 0


async def test_a_mail_goes_only_when_its_cause_is_committed(
    settings: Settings, server: Server, post: Post
) -> None:
    async with sending(settings):
        async with post.database.session() as session:
            undone = session.transaction()
            await undone.start()
            await post.outgoing.queue(session, a_mail("never@shop.test"))
            await undone.rollback()
        await post.queue(a_mail("ada@shop.test"))
        await server.wait_for("ada@shop.test")
    assert server.to("never@shop.test") == []


async def test_a_mail_goes_at_once_and_not_at_the_next_slow_look(
    settings: Settings, server: Server, post: Post
) -> None:
    patient = settings.model_copy(update={"connections_mail_poll_seconds": 600.0})
    async with sending(patient, replicas=2):
        await post.queue(a_mail("first@shop.test"))
        await server.wait_for("first@shop.test")
        await post.queue(a_mail("ada@shop.test"))
        await server.wait_for("ada@shop.test")
        # More than may be on their way at once: the next goes when one has gone.
        await post.queue(*(a_mail("bob@shop.test") for _ in range(20)))
        await server.wait_for("bob@shop.test", 20)


async def test_what_waits_and_what_went_is_measured(
    settings: Settings, server: Server, post: Post
) -> None:
    server.on_recipient = lambda address: "451 later" if address == "bob@shop.test" else None
    async with sending(settings) as client:

        async def figures() -> str:
            return (await client.get("/metrics")).text

        before = await figures()
        await post.queue(a_mail("ada@shop.test"), a_mail("bob@shop.test"))
        await eventually(figures, lambda text: "relevo_mails_waiting 1.0" in text)
        after = await eventually(figures, lambda text: sent(text) == sent(before) + 1)
        assert 'relevo_mails_total{kind="confirm_address",outcome="retried"}' in after


def sent(figures: str) -> float:
    name = 'relevo_mails_total{kind="confirm_address",outcome="sent"} '
    return sum(
        float(line.removeprefix(name)) for line in figures.splitlines() if line.startswith(name)
    )


async def test_a_key_queues_one_mail(settings: Settings, post: Post) -> None:
    assert await post.queue(a_mail(once="a"), a_mail(once="b"), a_mail()) == 3
    assert await post.queue(a_mail(once="b"), a_mail(once="c")) == 1
    assert len(await post.rows()) == 4


async def test_two_replicas_send_each_mail_once(
    settings: Settings, server: Server, post: Post
) -> None:
    await post.queue(*(a_mail() for _ in range(40)))
    async with sending(settings, replicas=2):
        await post.queue(*(a_mail() for _ in range(40)))
        rows = await post.all_ended()
    assert {row["state"] for row in rows} == {"sent"}
    assert len(server.received) == len({mail.id for mail in server.received}) == 80


async def test_what_a_dead_process_had_claimed_is_sent_with_the_same_id(
    settings: Settings, server: Server, post: Post
) -> None:
    """It died between handing the mail over and recording that: the mailbox gets it twice."""
    server.silent.add("ada@shop.test")
    await post.queue(a_mail("ada@shop.test"))
    async with sending(settings.model_copy(update={"shutdown_seconds": 0.2})):
        await server.wait_for("ada@shop.test")
    server.silent.clear()
    assert await post.states() == ["pending"]
    async with post.database.session() as session:
        # The lease of the dead one ends.
        await session.execute("UPDATE mails SET due_at = now()")
    async with sending(settings):
        (row,) = await post.all_ended()
    assert (row["state"], row["attempts"]) == ("sent", 2)
    assert len({mail.id for mail in server.to("ada@shop.test")}) == 1


async def test_a_lost_database_session_loses_no_mail_and_sends_none_twice(
    settings: Settings, server: Server, post: Post
) -> None:
    async with sending(settings):
        await post.queue(*(a_mail() for _ in range(20)))
        await wait_until(lambda: bool(server.received))
        async with post.database.session() as session:
            await session.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        await post.queue(a_mail("ada@shop.test"))
        rows = await post.all_ended()
    assert {row["state"] for row in rows} == {"sent"}
    assert len(server.received) == len(rows) == 21


async def test_what_is_under_way_when_the_service_stops_is_recorded(
    settings: Settings, server: Server, post: Post
) -> None:
    await post.queue(a_mail("ada@shop.test"))
    async with sending(settings):
        await server.wait_for("ada@shop.test")
    assert await post.states() == ["sent"]


async def test_mails_of_long_ago_are_forgotten(settings: Settings, post: Post) -> None:
    async with sending(settings):
        await post.queue(a_mail(), a_mail())
        await post.all_ended()
        async with post.database.session() as session:
            await session.execute(
                "UPDATE mails SET ended_at = now() - interval '91 days'"
                " WHERE id = (SELECT id FROM mails LIMIT 1)"
            )
        await eventually(post.rows, lambda rows: len(rows) == 1)


async def test_without_a_mail_server_mails_are_files_that_others_cannot_read(
    settings: Settings, post: Post, tmp_path: Path
) -> None:
    folder = Folder(tmp_path / "deep" / "mail")
    local = settings.model_copy(
        update={"connections_smtp_host": "", "connections_mail_folder": folder.path}
    )
    async with sending(local):
        await post.queue(a_mail("ada@shop.test"))
        await folder.wait_for("ada@shop.test")
        await post.queue(Mail("ada@shop.test", ResetPassword(link=LINK)))
        first, second = await folder.wait_for("ada@shop.test", 2)
        await post.all_ended()
    assert (first.subject, second.subject) == ("Confirm your e-mail address", "Set a new password")
    assert (second.link, second.token) == (LINK, "s3cret")
    assert folder.path.stat().st_mode & 0o777 == 0o700
    files = sorted(folder.path.iterdir())
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600, 0o600]
    assert [file.name.split("-")[1] for file in files] == ["confirm_address", "reset_password"]
