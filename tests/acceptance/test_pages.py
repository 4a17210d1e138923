"""The pages for newcomers, typed as they stand, each in one session of bash."""

from pathlib import Path

import asyncpg
import pytest

from relevo.local.stack import Stack
from tests.acceptance.typing_in import type_in
from tests.kit.blocks import PAGES, ROOT, blocks_of, name_of

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]
_TYPED = {page: [block for block in blocks_of(page) if block.runs] for page in PAGES}
_WALK = ROOT / "docs" / "howto" / "walk-through.md"
# It ends every session of its stack: `breaking/test_keys_page.py`.
_KEYS = ROOT / "docs" / "howto" / "replace-signing-keys.md"


@pytest.mark.parametrize(
    "page", [page for page in PAGES if _TYPED[page] and page not in (_WALK, _KEYS)], ids=name_of
)
def test_a_page_does_what_it_says(checkout: Path, page: Path) -> None:
    type_in(checkout, _TYPED[page])


def test_the_walk_through_works_also_after_one_that_was_left_half_way(checkout: Path) -> None:
    half = _TYPED[_WALK][: len(_TYPED[_WALK]) * 3 // 4]
    assert half
    type_in(checkout, [*half, *_TYPED[_WALK]])


async def test_statements_for_the_database_are_of_its_tables(stack: Stack) -> None:
    statements = [
        statement
        for page in PAGES
        for block in blocks_of(page)
        if block.language == "sql"
        for statement in block.content.split(";")
        if statement.strip()
    ]
    assert statements
    session = await asyncpg.connect(stack.dsn)
    try:
        for statement in statements:
            assert await session.fetch(f"EXPLAIN {statement}")
    finally:
        await session.close()
