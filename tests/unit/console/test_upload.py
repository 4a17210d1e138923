"""A file of a form, however the browser's bytes are cut."""

from collections.abc import AsyncIterator

import pytest

from services.console.browser.upload import NoFile, Upload

TYPE = "multipart/form-data; boundary=xyz"
FILE = b"%PDF\r\n--xy not the end\r\n" + bytes(300)


def body(name: str = "a.pdf", content: bytes = FILE) -> bytes:
    head = f'--xyz\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return head.encode() + content + b"\r\n--xyz--\r\n"


async def cut(whole: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


async def read(whole: bytes, size: int = 64, content_type: str = TYPE) -> tuple[str, bytes]:
    upload = Upload(content_type, cut(whole, size))
    name = await upload.name()
    return name, b"".join([part async for part in upload.content()])


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
async def test_name_and_bytes_are_those_of_the_file(size: int) -> None:
    assert await read(body("Zoë.pdf"), size) == ("Zoë.pdf", FILE)
    assert await read(body(content=b""), size) == ("a.pdf", b"")


async def test_a_name_is_no_path_and_has_an_end() -> None:
    assert (await read(body("C:\\dir\\b.pdf")))[0] == "b.pdf"
    assert (await read(body("../../c\x07.pdf")))[0] == "c.pdf"
    assert len((await read(body("x" * 900)))[0]) == 200


@pytest.mark.parametrize(
    ("whole", "content_type"),
    [
        (body(""), TYPE), (b"", TYPE), (body()[:-20], TYPE), (b"x" * 99_999, TYPE),
        (body(), "multipart/form-data"), (body(), "text/plain"), (body(), ""),
    ],
)  # fmt: skip
async def test_what_is_no_file_is_said(whole: bytes, content_type: str) -> None:
    with pytest.raises(NoFile):
        await read(whole, content_type=content_type)
