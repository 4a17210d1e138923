"""The page about signing keys, typed as it stands: it retires the key of every token there is."""

from pathlib import Path

import pytest

from tests.acceptance.typing_in import type_in
from tests.kit.blocks import ROOT, blocks_of

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]


def test_the_page_does_what_it_says(checkout: Path) -> None:
    typed = [
        block for block in blocks_of(ROOT / "docs/howto/replace-signing-keys.md") if block.runs
    ]
    assert typed
    type_in(checkout, typed)
