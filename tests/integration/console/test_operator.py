"""The operator's pages: by the operator key alone."""

import pytest

from services.console.pages.operator.figures import figures
from tests.kit.client import PASSWORD, Api
from tests.kit.screens import Console

pytestmark = pytest.mark.engines
Accounts = tuple[Console, Api]


async def test_the_operator_sees_services_and_changes_a_plan_by_the_key_alone(
    accounts: Accounts,
) -> None:
    console, api = accounts
    three_pl = await api.sign_up("three_pl")
    browser = console.browser()
    # Somebody's session is none of the operator's.
    await browser.log_in(three_pl.email, PASSWORD)
    for path in ("/operator", "/operator/accounts"):
        asked = await browser.open(path)
        assert (asked.status, three_pl.id in asked.html) == (401, False)
    form = [("plan", "conquer")]
    refused = await browser.send(f"/operator/accounts/{three_pl.id}/plan", form)
    assert refused.status == 401
    wrong = await browser.submit(asked, "/operator/log-in", key="guessed")
    assert "This is not the operator key" in wrong.text

    services = await browser.submit(wrong, "/operator/log-in", key=api.operator_key)
    assert "connections ready" in services.text
    assert "routing does not answer" in services.text
    assert "Mails that wait" in services.text
    assert api.operator_key not in services.html
    listed = await browser.open(f"/operator/accounts?kind=three_pl&q={three_pl.email[:5]}")
    assert listed.status == 200
    changed = await browser.submit(
        await browser.open("/operator/accounts"),
        f"/operator/accounts/{three_pl.id}/plan",
        plan="conquer",
    )
    assert "Saved." in changed.text
    assert (await three_pl.get("/v1/connections"))["data"] == []
    # The same browser is still the person's at the other pages.
    assert three_pl.email in (await browser.open("/")).text
    out = await browser.submit(changed, "/operator/log-out")
    assert out.status == 200
    assert (await browser.open("/operator")).status == 401


def test_figures_are_a_services_own_and_what_nobody_should_see_is_marked() -> None:
    metrics = (
        '# TYPE relevo_outbox_rows gauge\nrelevo_outbox_rows{schema="routing"} 3.0\n'
        '# TYPE relevo_consumer_lag_records gauge\nrelevo_consumer_lag_records{topic="a"} 4.0\n'
        'relevo_consumer_lag_records{topic="b"} 5.0\n'
        "# TYPE relevo_orders_parked gauge\nrelevo_orders_parked 2.0\n"
        "# TYPE relevo_mails_waiting gauge\nrelevo_mails_waiting 9.0\n"
        "# TYPE relevo_messages_total counter\n"
        'relevo_messages_total{topic="orders.received",outcome="dead_letter"} 1.0\n'
        'relevo_messages_total{topic="orders.received",outcome="handled"} 50.0\n'
    )
    found = [(one.value, one.is_bad) for one in figures("routing", metrics)]
    assert found == [(9.0, False), (3.0, False), (2.0, True), (1.0, True)]
