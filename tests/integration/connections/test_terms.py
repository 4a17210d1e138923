"""Terms that one party lays on the other: told, and kept to oneself."""

import httpx
import pytest

from tests.kit.client import Api

pytestmark = pytest.mark.engines


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_who_has_to_pay_from_now_on_hears_of_it_by_mail(api: Api) -> None:
    three_pl, brand, added = await api.connected()
    connection, domain = added["connection"]["id"], added["store"]["domain"]
    changed = await three_pl.set(connection, billing_owner="three_pl", support_owner="three_pl")
    assert changed.json()["applies_to"] == "orders that enter from now on"
    await three_pl.set(connection, billing_owner="brand")
    mail = (await api.mailbox.wait_for(brand.email, 2))[-1]
    assert mail.subject == f"New terms for {domain}"
    assert "Who pays the fee for each order: the 3PL until now, the brand from now on" in mail.text
    await brand.set(connection, shipping_rules_owner="three_pl")
    mail = (await api.mailbox.wait_for(three_pl.email, 2))[-1]
    assert "Whose shipping rules choose the carrier" in mail.text
    # What a party takes upon itself needs no mail: there was none before these.
    assert len(api.mailbox.to(brand.email)) == 2
    assert len(api.mailbox.to(three_pl.email)) == 2


async def test_back_and_forth_is_no_flood(api: Api) -> None:
    three_pl, brand, added = await api.connected()
    connection = added["connection"]["id"]
    for _ in range(12):
        for owner in ("three_pl", "brand"):
            assert (await three_pl.set(connection, billing_owner=owner)).status_code == 200
    await brand.set(connection, billing_owner="three_pl")
    await api.mailbox.wait_for(three_pl.email, 2)
    assert len(await api.mailbox.wait_for(brand.email, 11)) == 11


async def test_what_the_brand_has_locked_only_the_brand_changes(api: Api) -> None:
    three_pl, brand, added = await api.connected()
    connection = added["connection"]["id"]
    answer = await three_pl.set(connection, locked_settings=["billing_owner"])
    assert refused(answer) == (403, "not_yours_to_set")
    locked = await brand.set(connection, locked_settings=["billing_owner"])
    assert locked.json()["locked_settings"] == ["billing_owner"]
    assert locked.json()["settings"]["version"] == 1
    answer = await three_pl.set(connection, billing_owner="three_pl", support_owner="three_pl")
    assert refused(answer) == (403, "setting_locked")
    assert (await three_pl.set(connection, support_owner="three_pl")).status_code == 200
    assert (await brand.set(connection, billing_owner="three_pl")).status_code == 200
    # Nothing changes: no lock is in the way.
    assert (await three_pl.set(connection, billing_owner="three_pl")).status_code == 200
    await brand.set(connection, locked_settings=[])
    assert (await three_pl.set(connection, billing_owner="brand")).status_code == 200
