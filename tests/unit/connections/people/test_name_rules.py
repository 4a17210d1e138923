"""Which names may go into mails."""

import pytest

from services.connections.people.name_rules import require_no_link


@pytest.mark.parametrize(
    "name",
    [
        "Acme", "Dr. Oetker", "Dr.Oetker", "Yahoo!", "C&A", "3.14 Ltd", "E.ON", "J.P. Morgan",
        "S.p.A. Rossi", "A.P. Møller - Mærsk A/S", "GmbH & Co. KG", "No.1 Shop", "No. 1 Shop",
        "Café Ñandú S.L.", "AT&T", "7-Eleven", "Node.js Werkstatt", "Www Design", "1.FC Köln",
        "…und Söhne", "Smith, Jones & Co.", "O'Neill", "A/B: Testing", "ЖУК", "50:50", "M.A.C",
        "株式会社任天堂", "Ben@Home",
    ],
)  # fmt: skip
def test_a_name_of_a_company_or_a_person_passes(name: str) -> None:
    assert require_no_link(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "https://evil.test", "HTTP://x", "javascript://x", "www.evil", "WWW.evil", "visit www.x",
        "evil.com", "Evil.COM", "log in at evil-bank.co.uk now", "evil.com/pay", "evil.com.",
        "(evil.com)", "bücher.de", "evil.shop", "a.zip", "evil.xn--p1ai", "почта.рф",
        "evil\u3002com", "evil\uff0ecom", "evil\uff61com", "evil.\uff43\uff4f\uff4d",
        "evil.\u200bcom", "evil\u00ad.com",
        "ev\u200bil.c\u2060om", "me@evil.com", "mailto:me", "Acme evil.com", "w\u200dww.evil",
        "evil.com:8080", "evil.com?x=1", "ASP.NET Werkstatt",
    ],
)  # fmt: skip
def test_what_a_mail_program_would_link_does_not(name: str) -> None:
    with pytest.raises(ValueError, match="looks like a link"):
        require_no_link(name)
