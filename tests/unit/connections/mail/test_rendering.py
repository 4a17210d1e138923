"""Every mail in every language, whatever people typed into its fields."""

from datetime import UTC, date, datetime
from typing import get_args

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from pydantic import ValidationError

from services.connections.mail.kinds import (
    LANGUAGES,
    AccountExists,
    AccountInvitation,
    AddressChangeNew,
    AddressChangeOld,
    CarrierTicket,
    Claim,
    ConfirmAddress,
    Counted,
    DeliveriesExhausted,
    EndpointDisabled,
    Invitation,
    Language,
    LinkWanted,
    MailData,
    NewDevice,
    NoAccount,
    OrdersHandedBack,
    OrdersQuarantined,
    ResetPassword,
    SameShop,
    TermsChanged,
    TicketAnswered,
    TicketFile,
)
from services.connections.mail.rendering import DOMAIN, HOME, TEMPLATES, render
from shared.contracts.connections_changed import Party

LINK = "https://relevo.test/confirm?a=1&b=2#token=s3cret"
NEVER = "https://relevo.test/never#token=n"
SCRIPT = "<script>alert(1)</script>"
HEADER = "Acme\r\nBcc: victim@x.test"


def mails(name: str) -> list[MailData]:
    """One of every kind and variant, with this name wherever one is typed."""
    return [
        ConfirmAddress(link=LINK),
        AccountExists(log_in_link=LINK, reset_link=LINK),
        ResetPassword(link=LINK),
        NoAccount(sign_up_link=LINK),
        AddressChangeNew(link=LINK),
        AddressChangeOld(is_done=False, link=LINK),
        AddressChangeOld(is_done=True, link=LINK),
        Claim(
            three_pl=name,
            company=name,
            store_domain=name,
            shipping_rules_owner="brand",
            billing_owner="three_pl",
            support_owner="brand",
            link=LINK,
            never_url=NEVER,
        ),
        Invitation(brand=name, store_domain=name, own_words=name, link=LINK, never_url=NEVER),
        Invitation(brand=name, store_domain=name, link=LINK, never_url=NEVER),
        AccountInvitation(account=name, role=name, inviter=name, link=LINK),
        CarrierTicket(
            account=name,
            number=7,
            category="damaged",
            text=name,
            value="9.99 EUR",
            grams_measured=900,
            days_since_shipped=3,
            expected_on=date(2026, 5, 1),
            correct_address=name,
            files=(TicketFile(name=name, link=NEVER),),
            reply_to="tickets+abc@mail.relevo.test",
        ),
        CarrierTicket(account=name, number=7, category="address", text=name),
        TicketAnswered(number=7, answered_by="carrier", link=LINK),
        TicketAnswered(number=7, answered_by="operator", link=LINK),
        LinkWanted(store_domain=name, link=LINK),
        SameShop(store_domain=name),
        SameShop(store_domain=name, proven_by="other"),
        SameShop(store_domain=name, proven_by="reader"),
        NewDevice(at=datetime(2026, 5, 1, 9, 30, tzinfo=UTC), device=name),
        TermsChanged(
            by=name, setting="billing_owner", before="brand", after="three_pl", store_domain=name
        ),
        EndpointDisabled(store_domain=name, host=name, parked=3, link=LINK),
        *(
            kind(
                lines=[Counted(store_domain=name, host=name, count=2)] * lines,
                more=lines - 1,
                total=5,
                since=datetime(2026, 5, 1, 9, 30, tzinfo=UTC),
                link=LINK,
            )
            for kind in (DeliveriesExhausted, OrdersQuarantined)
            for lines in (1, 2)
        ),
        *(
            OrdersHandedBack(store_domain=name, reader=reader, returned=3, stayed=1, link=LINK)
            for reader in get_args(Party)
        ),
    ]


def test_the_examples_are_of_every_kind() -> None:
    assert {type(mail) for mail in mails("Acme")} == set(get_args(MailData))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_says_the_same_in_text_and_in_html(language: Language) -> None:
    for mail in mails("Acme & Söhne"):
        words = render(mail, language, "help@relevo.test")
        assert words.subject
        assert "help@relevo.test" in words.text
        assert "help@relevo.test" in words.html
        has_link = any(hasattr(mail, name) for name in ("link", "log_in_link", "sign_up_link"))
        assert (LINK in words.text) == has_link
        assert (LINK.replace("&", "&amp;") in words.html) == has_link
        assert (
            (NEVER in words.text)
            == (NEVER in words.html)
            == (hasattr(mail, "never_url") or bool(getattr(mail, "files", ())))
        )
        assert ("Acme & Söhne" in words.text) == ("Acme &amp; Söhne" in words.html)


def test_no_two_languages_say_the_same() -> None:
    for mail in mails("Acme"):
        english, spanish = render(mail, "en"), render(mail, "es")
        assert english.subject != spanish.subject
        assert not set(sentences(english.text)) & set(sentences(spanish.text))


def sentences(text: str) -> list[str]:
    return [line for line in text.splitlines() if " " in line and not line.startswith(">")]


def test_every_sentence_has_its_translation() -> None:
    used = {
        sentence
        for _, _, sentence, _, _ in extract_from_dir(
            TEMPLATES, [("**.j2", "jinja2.ext:babel_extract")]
        )
    }
    for language in set(LANGUAGES) - {"en"}:
        with (HOME / "locale" / language / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as file:
            catalog = read_po(file, locale=language)
        there = {entry.id for entry in catalog if entry.id and entry.string and not entry.fuzzy}
        assert there == used
        assert [problems for _, problems in catalog.check()] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "name", [SCRIPT, HEADER, "x" * 10_000, "%(link)s {{ link }}", "\u202eAcme"]
)
def test_what_people_typed_is_only_ever_text(language: Language, name: str) -> None:
    for mail in mails(name):
        words = render(mail, language)
        assert "<script" not in words.html
        assert "\n" not in words.subject
        assert "\r" not in words.subject
        assert len(words.subject) < 1_000
        # But what is said in a ticket, which goes as it is.
        assert len(words.text) - len(getattr(mail, "text", "")) < 4_000
        assert "\u202e" not in words.text + words.subject
        links = sum(value == LINK for value in mail.model_dump().values())
        assert words.text.count(LINK) == links


def test_a_name_is_cut_and_one_line() -> None:
    assert SameShop(store_domain="a" * 201).store_domain == "a" * 199 + "…"
    assert SameShop(store_domain=HEADER).store_domain == "Acme Bcc: victim@x.test"


def test_own_words_keep_their_lines_and_are_quoted() -> None:
    mail = Invitation(
        brand="A", store_domain="a.test", own_words="Hello\n\nthere", link=LINK, never_url=NEVER
    )
    assert "> Hello\n> \n> there\n" in render(mail, "en").text


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "https://a.test/ x", 'https://a.test/"x', "a.test", "https://"]
)
def test_a_link_is_an_address_of_the_web(link: str) -> None:
    with pytest.raises(ValidationError):
        ConfirmAddress(link=link)


def test_the_time_of_a_log_in_is_told_in_the_readers_language() -> None:
    mail = NewDevice(at=datetime(2026, 5, 1, 9, 30, tzinfo=UTC), device="Firefox")
    assert "1 May 2026, 09:30 UTC" in render(mail, "en").text
    assert "1 mayo 2026, 09:30 UTC" in render(mail, "es").text


@pytest.mark.parametrize(("language", "words"), [("en", "all your stores"), ("es", "todas tus")])
def test_a_receiver_of_the_brand_itself_hears_of_all_its_stores(
    language: Language, words: str
) -> None:
    mail = render(
        EndpointDisabled(store_domain="*", host="hooks.test", parked=3, link=LINK), language
    )
    for text in (mail.subject, mail.text, mail.html):
        assert words in text
        assert "(*)" not in text
