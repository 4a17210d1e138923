"""A real browser for figures: how soon somebody sees a page."""

import shutil
from collections.abc import Mapping
from pathlib import Path

# Looked for in this order.
_COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# As root, in a container, Chromium has no sandbox; what it is shown is ours.
ARGUMENTS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")
_FIRST_PAINT = """() => new Promise((resolve) => {
  const found = () => performance.getEntriesByName("first-contentful-paint")[0];
  const ask = () => found() ? resolve(found().startTime) : setTimeout(ask, 10);
  ask();
})"""


def executable() -> str | None:
    """The browser of this machine: Debian's, Chrome, or Playwright's own."""
    for command in _COMMANDS:
        found = shutil.which(command)
        if found:
            return found
    own = sorted(Path.home().glob(".cache/ms-playwright/chromium-*/chrome-linux*/chrome"))
    return str(own[-1]) if own else None


async def first_paints(
    base_url: str, path: str, cookies: Mapping[str, str], rounds: int
) -> list[float]:
    """Milliseconds until the first content of a page is painted, nothing of it known before.

    Empty without a browser, or without Playwright (which only a checkout has).
    """
    try:
        from playwright.async_api import async_playwright  # noqa: PLC0415  a checkout has it
    except ImportError:
        return []
    if executable() is None:
        return []
    found = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable(), args=list(ARGUMENTS)
        )
        for _ in range(rounds):
            context = await browser.new_context(base_url=base_url)
            await context.add_cookies(
                [{"name": name, "value": value, "url": base_url} for name, value in cookies.items()]
            )
            page = await context.new_page()
            await page.goto(path)
            found.append(float(await page.evaluate(_FIRST_PAINT)))
            await context.close()
        await browser.close()
    return found
