"""What a file is, by what is in it; its name says nothing. Pure."""

import codecs

import puremagic

from shared.failures import Refused

SERVED_AS = {
    "application/pdf": "application/pdf",
    "image/jpeg": "image/jpeg",
    "image/png": "image/png",
    "image/webp": "image/webp",
    "text/plain": "text/plain; charset=utf-8",
}
# Enough for every signature that is taken, and for markup behind a comment.
HEAD_BYTES = 4_096
# Two letters make a guess of less: plain text may begin with any two.
_SURE = 0.5
_CONTROLS = frozenset(range(0x20)) - set(b"\t\n\r\f")


class Content:
    """A file while it comes, part by part; `add` refuses it as soon as it is none that is taken."""

    def __init__(self) -> None:
        self._type: str | None = None
        self._text = codecs.getincrementaldecoder("utf-8")()

    def add(self, part: bytes) -> None:
        """Look at the next part; the first one has the first `HEAD_BYTES`, or is all there is.

        Raises:
            Refused: `unsupported_file`, with what it looks like.
        """
        if self._type is None:
            self._type = _type_of(part)
        if self._type == "text/plain":
            self._read(part, final=False)

    def end(self) -> str:
        """The content type, once all has come.

        Raises:
            Refused: `unsupported_file`.
        """
        if self._type is None:
            raise Refused("unsupported_file", looks_like="nothing: it is empty")
        if self._type == "text/plain":
            self._read(b"", final=True)
        return self._type

    def _read(self, part: bytes, *, final: bool) -> None:
        try:
            self._text.decode(part, final)
        except UnicodeDecodeError:
            raise Refused("unsupported_file", looks_like="application/octet-stream") from None
        if not _CONTROLS.isdisjoint(part):
            raise Refused("unsupported_file", looks_like="application/octet-stream")


def _type_of(head: bytes) -> str:
    guesses = _guesses(head)
    likely = guesses[0] if guesses else ("application/octet-stream", 0.0)
    if likely[0] in SERVED_AS:
        return likely[0]
    if likely[1] >= _SURE:
        raise Refused("unsupported_file", looks_like=likely[0])
    if head.removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"<":
        raise Refused("unsupported_file", looks_like="text/html")
    # Whether it is, its bytes show.
    return "text/plain"


def _guesses(head: bytes) -> list[tuple[str, float]]:
    """Types by signature, the surest first."""
    try:
        found = puremagic.magic_string(head[:HEAD_BYTES])
    except (puremagic.PureError, ValueError):
        return []
    return [(one.mime_type or "application/octet-stream", one.confidence) for one in found]
