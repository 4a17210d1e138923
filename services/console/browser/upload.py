"""One file of a form (`multipart/form-data`, RFC 7578), passed on as it comes.

Browsers send a file in no other way without a script, and the file is never whole in memory.
"""

import re
from collections.abc import AsyncIterator
from email.message import Message

_MOST_HEAD = 16_384
_NAME = re.compile(rb'filename="((?:[^"\\]|\\.)*)"', re.IGNORECASE)


class NoFile(ValueError):  # noqa: N818  says what is wrong
    """The form has no file."""


class Upload:
    """The file of a form with one field.

    Args:
        content_type: of the request; says where the parts end.
        chunks: the body.

    Raises:
        NoFile: it is no such form.
    """

    def __init__(self, content_type: str, chunks: AsyncIterator[bytes]) -> None:
        header = Message()
        header["content-type"] = content_type
        boundary = header.get_param("boundary")
        if header.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
            raise NoFile
        self._end = b"\r\n--" + boundary.encode()
        self._chunks = chunks
        self._waiting = b""

    async def name(self) -> str:
        """What it is called at the browser; what follows is the file.

        Raises:
            NoFile: none was chosen, or the form is broken off.
        """
        while b"\r\n\r\n" not in self._waiting:
            if len(self._waiting) > _MOST_HEAD:
                raise NoFile
            self._waiting += await self._more()
        head, _, self._waiting = self._waiting.partition(b"\r\n\r\n")
        found = _NAME.search(head)
        name = found[1].decode(errors="replace").replace("%22", '"') if found else ""
        # Some browsers of old send a whole path.
        name = re.split(r"[\\/]", name)[-1].strip()
        if not name:
            raise NoFile
        return "".join(letter for letter in name if letter.isprintable())[-200:]

    async def content(self) -> AsyncIterator[bytes]:
        """Its bytes, up to the end of the part.

        Raises:
            NoFile: the form is broken off.
        """
        while self._end not in self._waiting:
            # The end may be cut between two chunks.
            known = max(0, len(self._waiting) - len(self._end))
            if known:
                yield self._waiting[:known]
                self._waiting = self._waiting[known:]
            self._waiting += await self._more()
        rest, _, self._waiting = self._waiting.partition(self._end)
        if rest:
            yield rest

    async def _more(self) -> bytes:
        async for chunk in self._chunks:
            return chunk
        raise NoFile
