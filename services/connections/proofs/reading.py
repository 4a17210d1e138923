"""What a domain shows: whether a challenge's token stands where only its owner can put it. Pure.

Bodies are whatever a stranger likes to send, so that everything here takes time in proportion to
their length; `html.parser` takes a minute for 64 KiB of `<a <a <a …`. And they hold what visitors
wrote: a token in a comment, an attribute or the body of a page proves nothing.
"""

import re
from collections.abc import Iterable, Iterator

META_NAME = "relevo-verification"
_LINE = re.compile(r"[A-Za-z0-9_-]{1,100}")
_MOST_LINES = 20

# HTML Living Standard, 13.2.5: attributes, tags, and what is no element. Possessive: no match is
# ever tried again in another way.
_VALUE = r"""(?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)'|(?P<bare>[^\s"'>][^\s>]*+))"""
_ATTRIBUTE = re.compile(rf"(?P<name>[^\s/>][^\s/>=]*+)(?:\s*+=\s*+{_VALUE})?+", re.ASCII)
_TAG = re.compile(
    r"""<(?P<close>/?)(?P<name>[a-zA-Z][^\s/>]*+)(?P<rest>(?:[\s/]++"""
    r"""|[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s"'>][^\s>]*+|(?=>)))?+)*+)>""",
    re.ASCII,
)
_NEXT = re.compile(r"<(?:!--|[!?]|/?[a-zA-Z]|/)")
# What stands in these is no markup of the page.
_OPAQUE = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("script", "style", "title", "noscript", "template")
}
# The first other element begins the body.
_OF_HEAD = frozenset({"html", "head", "meta", "link", "base", *_OPAQUE})


def is_in_file(body: str, token: str) -> bool:
    """Whether a text file has the token: alone, or on a line among other tokens.

    Many servers answer every path with a page; one that shows what visitors write is no proof.
    """
    lines = [line.strip() for line in body.lstrip("\ufeff").splitlines()[: _MOST_LINES + 1]]
    tokens = [line for line in lines if line]
    return len(lines) <= _MOST_LINES and all(map(_LINE.fullmatch, tokens)) and token in tokens


def is_in_meta_tag(page: str, token: str) -> bool:
    """Whether the head of a page has `<meta name="relevo-verification" content="<token>">`."""
    return any(
        values.get("name", "").strip().lower() == META_NAME
        and values.get("content", "").strip() == token
        for values in _metas(page)
    )


def is_in_records(records: Iterable[str], token: str) -> bool:
    """Whether one of the TXT records is `relevo-verification=<token>`."""
    return f"{META_NAME}={token}" in {record.strip() for record in records}


def _metas(page: str) -> Iterator[dict[str, str]]:
    """The attributes of each meta tag of the head."""
    for tag in _tags(page):
        name = tag["name"].lower()
        if tag["close"]:
            if name == "head":
                return
        elif name not in _OF_HEAD:
            return
        elif name == "meta":
            yield _attributes(tag["rest"])


def _tags(page: str) -> Iterator[re.Match[str]]:
    """The tags of a page, until one that is malformed or cut off."""
    at = 0
    while found := _NEXT.search(page, at):
        if not found[0][-1].isalpha():
            at = _after_comment(page, found.start())
            continue
        tag = _TAG.match(page, found.start())
        if tag is None:
            return
        yield tag
        at = _after_opaque(page, tag) if not tag["close"] else tag.end()


def _after_comment(page: str, at: int) -> int:
    # `<!-->` is a whole comment, hence from its second character on.
    end = page.find("-->", at + 2) if page.startswith("<!--", at) else page.find(">", at)
    return len(page) if end < 0 else end + 1


def _after_opaque(page: str, tag: re.Match[str]) -> int:
    closing = _OPAQUE.get(tag["name"].lower())
    if closing is None:
        return tag.end()
    end = closing.search(page, tag.end())
    return end.start() if end else len(page)


def _attributes(rest: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for one in _ATTRIBUTE.finditer(rest):
        # Of two of a name the first counts.
        values.setdefault(one["name"].lower(), one["double"] or one["single"] or one["bare"] or "")
    return values
