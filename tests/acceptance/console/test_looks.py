"""Every page in a real browser: axe finds nothing, in light and dark, narrow and enlarged."""

import pytest

from relevo.local.stack import Stack
from tests.kit.chromium import Chromium, flaws

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]
OUTSIDE = ("/log-in", "/sign-up", "/forgotten-password", "/confirm", "/nowhere")


async def test_the_pages_of_getting_in_have_no_flaw(stack: Stack, browser: Chromium) -> None:
    found: list[str] = []
    for scheme, width in (("light", 1280), ("dark", 320)):
        async with browser.visit(
            stack.urls["console"],
            color_scheme=scheme,
            viewport={"width": width, "height": 800},
        ) as page:
            for path in OUTSIDE:
                await page.goto(path)
                found += [f"{scheme} {width} {path}: {flaw}" for flaw in await flaws(page)]
                wider = await page.evaluate("document.documentElement.scrollWidth")
                assert wider <= width, (path, wider)
    assert found == []
