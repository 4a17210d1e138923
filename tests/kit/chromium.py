"""A real browser: found on this machine, strict about what it is told, looked at by axe."""

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

_AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Looked for in this order.
_COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    "no browser: install Debian's `chromium`, or Chrome, or run `python -m playwright install "
    "chromium`; the console was NOT tried in a browser"
)


def executable() -> str | None:
    """The browser of this machine: Debian's, Chrome, or Playwright's own."""
    for command in _COMMANDS:
        found = shutil.which(command)
        if found:
            return found
    own = sorted(Path.home().glob(".cache/ms-playwright/chromium-*/chrome-linux*/chrome"))
    return str(own[-1]) if own else None


@dataclass
class Visit:
    """A page, and what its browser complained of."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def note(self, message: ConsoleMessage) -> None:
        """What the console of the browser says: a policy that was broken, a script that failed."""
        if message.type in ("error", "warning") and "status of 4" not in message.text:
            self.complaints.append(message.text)


@dataclass
class Chromium:
    """The browser of a test."""

    browser: Browser
    visits: list[Visit] = field(default_factory=list)

    @asynccontextmanager
    async def visit(
        self, base_url: str, language: str = "en", **options: Any
    ) -> AsyncIterator[Page]:
        """Somebody's browser, with cookies of its own.

        Args:
            base_url: of the console.
            language: that it asks for.
            options: of Playwright's context.
        """
        context: BrowserContext = await self.browser.new_context(
            base_url=base_url,
            locale=language,
            timezone_id="Europe/Madrid",
            # A colour that is on its way is the wrong one to measure.
            reduced_motion="reduce",
            **options,
        )
        context.set_default_timeout(15_000)
        page = await context.new_page()
        visit = Visit(page)
        page.on("console", visit.note)
        page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        self.visits.append(visit)
        yield page
        await context.close()

    @property
    def complaints(self) -> list[str]:
        """What all browsers of the test complained of."""
        return [text for visit in self.visits for text in visit.complaints]


@asynccontextmanager
async def chromium() -> AsyncIterator[Chromium]:
    """The browser, without a window."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable(),
            # As root, in a container, Chromium has no sandbox; what it is shown is ours.
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
        )
        try:
            yield Chromium(browser)
        finally:
            await browser.close()


async def flaws(page: Page) -> list[str]:
    """What axe finds on a page: rule, how bad, where (WCAG 2.2 AA, and good practice)."""
    await page.evaluate(_AXE)
    options = {"runOnly": {"type": "tag", "values": _RULES}, "resultTypes": ["violations"]}
    found: dict[str, Any] = await page.evaluate("options => axe.run(document, options)", options)
    return list(_sentences(found["violations"]))


def _sentences(violations: list[dict[str, Any]]) -> Iterator[str]:
    for one in violations:
        for node in one["nodes"]:
            where = node["html"].replace("\n", " ")[:200]
            why = (node.get("any") or node.get("all") or node.get("none") or [{}])[0]
            yield f"{one['id']} ({one['impact']}): {where} {why.get('message', '')[:200]}"
