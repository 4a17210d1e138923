"""What a file is, by what is in it."""

import pytest

from services.fulfilment.tickets.files.content import Content
from shared.failures import Refused

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(64)


def type_of(*parts: bytes) -> str:
    content = Content()
    for part in parts:
        content.add(part)
    return content.end()


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe1\0\x10Exif\0" + bytes(64), "image/jpeg"),
        (b"RIFF\x10\0\0\0WEBPVP8 " + bytes(40), "image/webp"),
        (b"%PDF-1.7\n%\xe2\xe3\n", "application/pdf"),
        ("Où est le colis ?\n".encode(), "text/plain"),
        (b"a;b\r\n1;2\r\n", "text/plain"),
        # Begins as a bitmap does.
        (b"BM is the carrier", "text/plain"),
    ],
)
def test_what_is_taken(head: bytes, wanted: str) -> None:
    assert type_of(head) == wanted


@pytest.mark.parametrize(
    ("parts", "looks_like"),
    [
        ([b"<!DOCTYPE html><script>"], "text/html"),
        ([b"\xef\xbb\xbf \n<script>alert(1)</script>"], "text/html"),
        ([b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'>"], "application/xml"),
        ([b"GIF89a" + bytes(20)], "image/gif"),
        ([b"MZ" + bytes(100)], "application/octet-stream"),
        ([b"words", b"and\0a nul"], "application/octet-stream"),
        ([b"words", b"\xff\xfe"], "application/octet-stream"),
        ([b"cut off \xc3"], "application/octet-stream"),
        ([], "nothing: it is empty"),
    ],
)
def test_what_is_refused_says_what_it_looks_like(parts: list[bytes], looks_like: str) -> None:
    with pytest.raises(Refused) as refused:
        type_of(*parts)
    assert (refused.value.code, refused.value.facts["looks_like"]) == (
        "unsupported_file", looks_like,
    )  # fmt: skip


def test_a_letter_may_be_cut_between_two_parts() -> None:
    assert type_of(b"caf\xc3", b"\xa9") == "text/plain"
