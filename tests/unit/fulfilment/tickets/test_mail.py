"""Addresses that are answered to, links that need no log-in, and who may bring a mail."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from standardwebhooks.webhooks import Webhook

from services.fulfilment.tickets.files.links import LINK_DAYS, attachment_of, token_of
from services.fulfilment.tickets.mail.addresses import reply_address, reply_key
from shared.failures import Refused
from shared.sealing import Sealer
from shared.signing import fits
from tests.kit.builders import NOON
from tests.kit.publishers import new_secret

DOMAIN, KEY = "mail.relevo.test", bytes(range(20))
FILE = UUID(int=7)


def test_an_address_is_read_back_whatever_its_case_and_others_are_not() -> None:
    address = reply_address(KEY, DOMAIN)
    assert len(address.partition("@")[0]) <= 64
    assert reply_key(address, DOMAIN) == reply_key(f" {address.upper()} ", DOMAIN) == KEY
    wrong = [
        address.replace(DOMAIN, "evil.test"), address.replace("tickets+", "t+"),
        f"tickets+@{DOMAIN}", f"tickets+1!@{DOMAIN}", reply_address(KEY[:-1], DOMAIN), "", "@",
    ]  # fmt: skip
    assert [reply_key(one, DOMAIN) for one in wrong] == [None] * len(wrong)
    assert reply_key("tickets+abc@", "") is None


def test_a_link_is_of_one_file_ends_and_cannot_be_made_by_others() -> None:
    sealer, other = Sealer({"k": bytes(32)}), Sealer({"k": bytes([1] * 32)})
    token = token_of(sealer, FILE, NOON)
    last = NOON + timedelta(days=LINK_DAYS, seconds=-1)
    assert attachment_of(sealer, token, last) == FILE
    for given, at in (
        (token, last + timedelta(seconds=1)), (token_of(other, FILE, NOON), NOON),
        (sealer.seal(f"{FILE} 99999999999", "something else"), NOON), (token[:-2], NOON),
        ("", NOON),
    ):  # fmt: skip
        with pytest.raises(Refused) as refused:
            attachment_of(sealer, given, at)
        assert refused.value.code == "link_expired"


def test_who_brings_a_mail_has_signed_it_a_moment_ago() -> None:
    secret, now = new_secret(), datetime.now(UTC)
    body = '{"to":"a"}'
    headers = {
        "webhook-id": "m1", "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": "v1,b2xk " + Webhook(secret).sign("m1", now, body),
    }  # fmt: skip
    at = now.timestamp()
    assert fits(secret, headers, body.encode(), at)
    assert not fits(secret, headers, body.encode() + b" ", at)
    assert not fits(new_secret(), headers, body.encode(), at)
    assert not fits("", headers, body.encode(), at)
    assert not fits("whsec_?", headers, body.encode(), at)
    assert not fits(secret, headers, body.encode(), at + 301)
    for name in headers:
        without = {key: value for key, value in headers.items() if key != name}
        assert not fits(secret, without, body.encode(), at)
