"""Mails as they go over the wire."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTP
from uuid import UUID

import pytest

from services.connections.mail.kinds import SameShop
from services.connections.mail.message import compose, on_the_wire
from services.connections.mail.rendering import render
from shared.failures import Permanent

ID = UUID("01990000-0000-7000-8000-000000000001")
AT = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)


def the_bytes(store_domain: str) -> bytes:
    words = render(SameShop(store_domain=store_domain), "es")
    message = compose(ID, "Relevo <mail@relevo.example>", "ada@shop.test", words, "es", AT)
    return message.as_bytes(policy=SMTP)


def test_a_mail_has_two_forms_and_says_that_a_machine_wrote_it() -> None:
    mail = message_from_bytes(the_bytes("acme.test"), policy=SMTP)
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert dict(mail.items()) | {"Content-Type": "", "Subject": ""} == {
        "From": "Relevo <mail@relevo.example>",
        "To": "ada@shop.test",
        "Subject": "",
        "Date": "Fri, 01 May 2026 09:30:00 +0000",
        "Message-ID": f"<{ID}@relevo.example>",
        "Content-Language": "es",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "Content-Type": "",
    }


def test_names_make_no_headers_and_no_line_is_too_long() -> None:
    raw = the_bytes("a\r\nBcc: victim@x.test\r\n\r\n" + "ñ" * 10_000)
    head = raw.split(b"\r\n\r\n")[0]
    assert b"\nBcc:" not in head
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998


def test_a_domain_goes_out_in_ascii() -> None:
    assert on_the_wire("ada@straße.example") == "ada@xn--strae-oqa.example"
    assert on_the_wire("ada@shop.test") == "ada@shop.test"


@pytest.mark.parametrize("address", ["ada", "a@b@c.test", "ada@shop.test\r\nBcc: x@y.test", ""])
def test_what_is_no_address_is_given_up_and_not_repeated(address: str) -> None:
    with pytest.raises(Permanent) as refused:
        on_the_wire(address)
    assert refused.value.reason == "the recipient is no e-mail address"
