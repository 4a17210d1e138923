"""The code blocks of the documents, as their readers copy them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs" / "howto").glob("*.md")))
_NO_RUN = "no-run:"


@dataclass(frozen=True)
class Block:
    """A fence: ```` ```sh no-run: docker ```` has the language `sh` and the reason `docker`.

    GitHub shows the language alone. An indented block has no language.
    """

    page: Path
    line: int
    language: str
    note: str
    content: str

    @property
    def place(self) -> str:
        return f"{name_of(self.page)}:{self.line}"

    @property
    def runs(self) -> bool:
        return self.language == "sh" and not self.note

    @property
    def reason(self) -> str:
        """Why it is not run; empty unless the note is one."""
        return self.note.removeprefix(_NO_RUN).strip() if self.note.startswith(_NO_RUN) else ""


def name_of(page: Path) -> str:
    """A page as others call it."""
    return str(page.relative_to(ROOT))


def blocks_of(page: Path) -> Iterator[Block]:
    """Every block of a page, in order."""
    for token in MarkdownIt().parse(page.read_text()):
        if token.type in {"fence", "code_block"}:
            language, _, note = token.info.partition(" ")
            line = (token.map or [0])[0] + 1
            yield Block(page, line, language, note.strip(), token.content)


def links_of(page: Path) -> Iterator[str]:
    """What a page links to or shows within the repository, without fragments."""
    for token in MarkdownIt().parse(page.read_text()):
        for child in token.children or ():
            target = str(child.attrs.get("href") or child.attrs.get("src") or "")
            if target and "://" not in target and not target.startswith("#"):
                yield target.partition("#")[0]


def script_of(blocks: list[Block]) -> str:
    """The blocks in one session of bash, which ends at the first command that fails.

    Its last line says in which block.
    """
    told = "trap 'echo \"ended in the block at $at\" >&2' EXIT\n"
    typed = (f"at={block.place}\n{block.content}" for block in blocks)
    return "set -euo pipefail\n" + told + "".join(typed)
