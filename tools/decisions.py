"""`docs/decisions/README.md`: an index of the decision records, from their own heads.

A record starts with its title and a line `Status · date · revisit when …`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "docs" / "decisions"
_HEAD = """# Decisions

One page for each hard choice, with what was set aside. Written by `make docs` from the records'
first lines.

| record | status | date | revisit when |
|---|---|---|---|
"""
_TITLE = re.compile(r"^# (\d+)\. (.+)$")
_STATUS = re.compile(r"^(\w[^·]*) · (\d{4}-\d{2}-\d{2}) · revisit when (.+)$")


def index(folder: Path = FOLDER) -> str:
    """The page.

    Raises:
        ValueError: a record has no head of that form.
    """
    return _HEAD + "\n".join(_rows(folder)) + "\n"


def _rows(folder: Path) -> Iterator[str]:
    for record in sorted(folder.glob("[0-9]*.md")):
        lines = [line for line in record.read_text().splitlines() if line]
        title, status = _TITLE.match(lines[0]), _STATUS.match(lines[1])
        if title is None or status is None:
            raise ValueError(
                f"{record}: expected `# <number>. <title>` and `<status> · <date> · revisit when …`"
            )
        number, name = title.groups()
        state, date, when = status.groups()
        yield f"| [{number}. {name}]({record.name}) | {state} | {date} | {when} |"
