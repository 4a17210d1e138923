"""A real browser: found on this machine, strict about what it is told, looked at by axe."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from relevo.bench.browser import ARGUMENTS, executable

_AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ALL_RULES = {"type": "tag", "values": _TAGS}
# What colours and the width of the window change; the rest is about the document.
RULES_OF_A_LOOK = {
    "type": "rule",
    "values": [
        "color-contrast",
        "link-in-text-block",
        "target-size",
        "scrollable-region-focusable",
    ],
}  # fmt: skip
MISSING = (
    "no browser: install Debian's `chromium`, or Chrome, or run `python -m playwright install "
    "chromium`; the console was NOT tried in a browser"
)


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
            executable_path=executable(), args=list(ARGUMENTS)
        )
        try:
            yield Chromium(browser)
        finally:
            await browser.close()


async def flaws(page: Page, rules: Mapping[str, Any] = ALL_RULES) -> list[str]:
    """What axe finds on a page: rule, how bad, where (WCAG 2.2 AA, and good practice)."""
    await page.evaluate(_AXE)
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    found: dict[str, Any] = await page.evaluate("options => axe.run(document, options)", options)
    return list(_sentences(found["violations"]))


def _sentences(violations: list[dict[str, Any]]) -> Iterator[str]:
    for one in violations:
        for node in one["nodes"]:
            where = node["html"].replace("\n", " ")[:200]
            why = (node.get("any") or node.get("all") or node.get("none") or [{}])[0]
            yield f"{one['id']} ({one['impact']}): {where} {why.get('message', '')[:200]}"
