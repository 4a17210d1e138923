"""Mail servers that refuse, put off, hang up, hang, or are away."""

import pytest

from services.connections.mail.kinds import Mail, ResetPassword
from services.connections.mail.outgoing import Outgoing
from services.connections.settings import Settings
from shared.sealing import Sealer
from tests.kit.mailbox import Server, mail_server
from tests.kit.post import LINK, Post, a_mail, sending
from tests.kit.waiting import eventually, wait_until


async def test_a_server_that_wants_it_later_gets_it_later(
    settings: Settings, server: Server, post: Post
) -> None:
    """Greylisting: the first time, each recipient is put off."""
    seen: set[str] = set()

    def greylist(address: str) -> str | None:
        if address in seen:
            return None
        seen.add(address)
        return "451 4.7.1 Greylisted, come back later"

    server.on_recipient = greylist
    async with sending(settings):
        await post.queue(a_mail("ada@shop.test"), a_mail("bob@shop.test"))
        rows = await post.all_ended()
    assert [(row["state"], row["attempts"]) for row in rows] == [("sent", 2), ("sent", 2)]
    assert len(server.received) == 2


@pytest.mark.parametrize("where", ["on_recipient", "on_message"])
async def test_a_refusal_that_will_pass_is_tried_again(
    settings: Settings, server: Server, post: Post, where: str
) -> None:
    answers = ["452 4.3.1 disk full", "421 too busy"]
    setattr(server, where, lambda _: answers.pop() if answers else None)
    async with sending(settings):
        await post.queue(a_mail("ada@shop.test"))
        (row,) = await post.all_ended()
    assert (row["state"], row["attempts"], len(server.received)) == ("sent", 3, 1)


async def test_nobody_writes_to_a_mailbox_that_does_not_exist(
    settings: Settings, server: Server, post: Post
) -> None:
    server.on_recipient = lambda address: f"550 5.1.1 <{address}> no such user"
    async with sending(settings):
        await post.queue(a_mail("ada@shop.test"))
        (row,) = await post.all_ended()
        assert (row["state"], row["contents"]) == ("failed", None)
        assert row["error"] == "550 5.1.1 <the recipient> no such user"
        await post.queue(a_mail("ADA@shop.test"))
        assert [row["state"] for row in await post.all_ended()] == ["failed", "suppressed"]
        assert server.asked == ["ada@shop.test"]
        # A week later, or when an operator says so.
        async with post.database.session() as session:
            await session.execute(
                "DELETE FROM mail_suppressions WHERE recipient = sha256('ada@shop.test')"
            )
        server.on_recipient = lambda _: None
        await post.queue(a_mail("ada@shop.test"))
        assert [row["state"] for row in await post.all_ended()][2:] == ["sent"]


@pytest.mark.parametrize(
    ("where", "answer"),
    [
        ("on_recipient", "550 5.7.1 your network is blocked"),
        ("on_recipient", "552 mailbox full"),
        ("on_message", "554 5.6.0 this looks like spam"),
        ("on_message", "550 no"),
    ],
)
async def test_a_refusal_for_good_is_no_verdict_on_the_mailbox(
    settings: Settings, server: Server, post: Post, where: str, answer: str
) -> None:
    setattr(server, where, lambda _: answer)
    async with sending(settings):
        await post.queue(a_mail("ada@shop.test"))
        assert [row["state"] for row in await post.all_ended()] == ["failed"]
        setattr(server, where, lambda _: None)
        await post.queue(a_mail("ada@shop.test"))
        assert [row["state"] for row in await post.all_ended()] == ["failed", "sent"]


async def test_a_session_that_ends_in_the_middle_is_tried_again_with_the_same_id(
    settings: Settings, server: Server, post: Post
) -> None:
    server.hangs_up_on.add("ada@shop.test")
    async with sending(settings):
        await post.queue(a_mail("ada@shop.test"))
        first, second = await server.wait_for("ada@shop.test", 2)
        await post.all_ended()
    assert first.id == second.id
    assert first.message["Date"] == second.message["Date"]


async def test_a_server_that_never_answers_holds_up_nobody_for_long(
    settings: Settings, server: Server, post: Post
) -> None:
    server.silent.add("ada@shop.test")
    hurried = settings.model_copy(update={"connections_mail_send_seconds": 0.3})
    async with sending(hurried):
        await post.queue(a_mail("ada@shop.test"))
        await server.wait_for("ada@shop.test")
        await post.queue(a_mail("bob@shop.test"))
        await server.wait_for("bob@shop.test")
        await wait_until(lambda: len(server.to("ada@shop.test")) > 1)
        server.silent.clear()
        rows = await post.all_ended()
    assert [row["state"] for row in rows] == ["sent", "sent"]


async def test_a_mail_server_that_is_away_gets_everything_when_it_is_back(
    settings: Settings, post: Post
) -> None:
    async with mail_server() as gone:
        port = gone.port
    away = settings.model_copy(update={"connections_smtp_port": port})
    async with sending(away):
        await post.queue(a_mail("ada@shop.test"))
        await eventually(post.rows, lambda rows: rows[0]["error"] is not None)
        assert await post.states() == ["pending"]
        async with mail_server(port=port) as back:
            await back.wait_for("ada@shop.test")
            await post.all_ended()


async def test_two_days_are_enough(settings: Settings, server: Server, post: Post) -> None:
    server.on_recipient = lambda _: "451 later"
    async with sending(settings):
        await post.queue(a_mail("ada@shop.test"))
        await wait_until(lambda: len(server.asked) > 1)
        async with post.database.session() as session:
            await session.execute(
                "UPDATE mails SET created_at = now() - interval '2 days', due_at = now()"
            )
        (row,) = await post.all_ended()
    assert (row["state"], row["contents"]) == ("failed", None)


async def test_a_link_that_is_over_is_not_sent(
    settings: Settings, server: Server, post: Post
) -> None:
    """The mail server was away for longer than the link is good."""
    await post.queue(Mail("ada@shop.test", ResetPassword(link=LINK)), a_mail("ada@shop.test"))
    async with post.database.session() as session:
        await session.execute("UPDATE mails SET created_at = now() - interval '31 minutes'")
    async with sending(settings):
        rows = await post.all_ended()
    assert [row["state"] for row in rows] == ["failed", "sent"]
    assert [mail.subject for mail in server.received] == ["Confirm your e-mail address"]


async def test_a_missing_key_is_waited_for(settings: Settings, server: Server, post: Post) -> None:
    stranger = Outgoing(Sealer({"lost": b"k" * 32}))
    async with post.database.transaction() as session:
        await stranger.queue(session, a_mail("ada@shop.test"))
    async with sending(settings):
        await eventually(post.rows, lambda rows: rows[0]["error"] is not None)
        await post.queue(a_mail("bob@shop.test"))
        await server.wait_for("bob@shop.test")
    assert (await post.states())[0] == "pending"
