"""What a sender may write in their own words: text that no mail program makes a link of. Pure."""

import re

MOST_LETTERS = 500
# What mail programs link: an address, `www.`, and a word with a dot and letters behind it.
_LINK = re.compile(r"://|@|\bwww\.|[^\W_][\w-]*\.[^\W\d_]{2,}", re.IGNORECASE)


def plain(text: str) -> str:
    """The text as given.

    Raises:
        ValueError: there is something like a link in it, or a mark that nobody sees.
    """
    if any(not (letter.isprintable() or letter in "\n\r\t") for letter in text):
        raise ValueError("letters that nobody sees are not allowed here")
    found = _LINK.search(text)
    if found is not None:
        raise ValueError(f"no links and addresses, please: {found[0]!r} would become one")
    return text
