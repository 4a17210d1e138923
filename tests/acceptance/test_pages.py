"""The pages for newcomers, typed as they stand, each in one session of bash."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import asyncpg
import httpx
import pytest

from relevo.local.stack import Stack
from tests.kit.blocks import PAGES, ROOT, Block, blocks_of, name_of, script_of
from tests.kit.waiting import eventually

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]
_TYPED = {page: [block for block in blocks_of(page) if block.runs] for page in PAGES}
_WALK = ROOT / "docs" / "howto" / "walk-through.md"
_KEYS = ROOT / "docs" / "howto" / "replace-signing-keys.md"


@pytest.fixture
def checkout(stack: Stack, tmp_path: Path) -> Path:
    """A folder where `make up` runs, as the pages want it."""
    for name, place in (
        (".venv", Path(sys.prefix)),
        (".relevo", stack.directory),
        ("examples", ROOT / "examples"),
    ):
        (tmp_path / name).symlink_to(place)
    return tmp_path


def type_in(checkout: Path, blocks: list[Block]) -> None:
    """Run the blocks, and end what they leave running."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RELEVO_")}
    output = checkout / "output.txt"
    with output.open("w") as written:
        session = subprocess.Popen(
            ["/bin/bash", "-c", script_of(blocks)],
            cwd=checkout,
            env={**kept, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            start_new_session=True,
        )
        try:
            code = session.wait(240)
        finally:
            # The group lives on while anything of it does, and is not there when nothing is.
            with suppress(ProcessLookupError):
                os.killpg(session.pid, signal.SIGKILL)
            session.wait()
    assert code == 0, output.read_text()[-4_000:]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if _TYPED[page] and page != _WALK], ids=name_of
)
async def test_a_page_does_what_it_says(stack: Stack, checkout: Path, page: Path) -> None:
    if page == _KEYS:
        await no_key_waits_for_its_turn(stack)
    type_in(checkout, _TYPED[page])


async def no_key_waits_for_its_turn(stack: Stack) -> None:
    """As the page wants it: other tests of this stack announce some, which sign a minute later."""
    async with httpx.AsyncClient(
        base_url=stack.urls["connections"],
        headers={"authorization": f"Bearer {stack.operator_key}"},
    ) as operator:

        async def states() -> set[str]:
            answer = await operator.get("/v1/signing-keys")
            return {key["state"] for key in answer.json()["data"]}

        await eventually(states, lambda found: "announced" not in found, seconds=90)


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
