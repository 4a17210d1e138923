"""What proves a store, and what visitors of a site can write that does not."""

import time

import pytest

from services.connections.proofs import reading

TOKEN = "0123456789abcdef0123456789abcdef"
TAG = f'<meta name="relevo-verification" content="{TOKEN}">'


@pytest.mark.parametrize(
    ("body", "is_proof"),
    [
        (TOKEN, True),
        (f"\ufeff{TOKEN}\r\n", True),
        (f"another-token\n\n  {TOKEN}\n", True),
        ("", False),
        (TOKEN[:-1], False),
        (f"{TOKEN}0", False),
        (f"relevo {TOKEN}", False),
        # Servers that answer every path with the front page, and what visitors write on it.
        (f"<html>\n<p>\n{TOKEN}\n</p>", False),
        (f"Great mugs!\n{TOKEN}", False),
        ("\n".join([*("x" * 21), TOKEN]), False),
    ],
)
def test_a_file_of_tokens(body: str, *, is_proof: bool) -> None:
    assert reading.is_in_file(body, TOKEN) == is_proof


@pytest.mark.parametrize(
    "page",
    [
        f"<html><head>{TAG}</head>",
        f"<!doctype html><html lang=en><head><meta charset=utf-8><title>A < B</title>{TAG}",
        f"<head><META CONTENT='{TOKEN}' NAME=Relevo-Verification /></head>",
        f"<head><meta name = relevo-verification content = {TOKEN}>",
        f"<!-- a --><head><!----><!--><script>if (a<b) x='</p>'</script>{TAG}",
        f'<head><meta property="og:title" content="a > b"><link rel=x href=/a/>{TAG}',
        f'<head><meta disabled name="relevo-verification" content="other">{TAG}',
        f"<head><noscript><img src=x></noscript><template><p></template>{TAG}",
    ],
)
def test_a_meta_tag_in_the_head(page: str) -> None:
    assert reading.is_in_meta_tag(page, TOKEN)


@pytest.mark.parametrize(
    "page",
    [
        "",
        TOKEN,
        f"<head><meta name=relevo-verification content={TOKEN}0>",
        f"<head><meta name=description content={TOKEN}>",
        f"<head></head>{TAG}",
        f"<head><body>{TAG}",
        f"<head><p>{TAG}",
        f"<head><!-- {TAG} -->",
        f"<head><!-- {TAG}",
        f"<head><title>You searched for {TAG}</title>",
        f"<head><title>You searched for {TAG}",
        f"<head><script>document.write('{TAG}')</script>",
        f"<head><noscript>{TAG}</noscript><template>{TAG}</template><style>{TAG}</style>",
        # What a visitor wrote, in an attribute of the page's own.
        f"<head><meta name=description content='Mugs {TAG}'>",
        f'<head><meta name="a" content="<meta name=relevo-verification content={TOKEN}>">',
        f"<head><meta content='<meta name=relevo-verification content={TOKEN}>",
        f"<head><meta name=x name=relevo-verification content={TOKEN}>",
    ],
)
def test_what_is_no_meta_tag_of_the_head(page: str) -> None:
    assert not reading.is_in_meta_tag(page, TOKEN)


@pytest.mark.parametrize(
    "piece",
    ["<a ", "<a b='", "<a a=", "<!--", "<!", "</", "<?", "<", "<meta ", "<a>", "<script>", "<title",
     "<meta a ", "<meta a=b ", "<meta a = ", " ", "<link>", "<meta a=''>", "<head", "=", "<a/"],
)  # fmt: skip
def test_a_hostile_page_takes_no_time(piece: str) -> None:
    start = time.perf_counter()
    for page in (piece * (65_536 // len(piece)), f"<meta {piece * (65_500 // len(piece))}>"):
        assert not reading.is_in_meta_tag(page, TOKEN)
    assert time.perf_counter() - start < 1.0


def test_records() -> None:
    assert reading.is_in_records(["v=spf1 -all", f" relevo-verification={TOKEN}"], TOKEN)
    assert not reading.is_in_records([TOKEN, f"relevo-verification={TOKEN}0"], TOKEN)
    assert not reading.is_in_records([], TOKEN)
