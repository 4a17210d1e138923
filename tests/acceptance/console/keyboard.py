"""Somebody with a keyboard alone, who has to see where the focus is."""

from typing import Any

from playwright.async_api import Locator, Page, expect

from tests.acceptance.console.people import Person
from tests.kit.waiting import eventually

# Where the focus is, and whether its reader can see that.
_FOCUS = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return {lost: true, where: "body"};
  const style = getComputedStyle(at), box = at.getBoundingClientRect();
  const shown = at.matches("[type=checkbox], [type=radio]") ? at.closest("label") ?? at : at;
  const points = [[0.5, 0.5], [0.1, 0.1], [0.9, 0.1], [0.1, 0.9], [0.9, 0.9]];
  const seen = points.some(([x, y]) => {
    const there = document.elementFromPoint(box.left + x * box.width, box.top + y * box.height);
    return there && (at.contains(there) || there.contains(at) && there === shown);
  });
  return {lost: false, where: at.outerHTML.slice(0, 200), seen,
          outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2};
}"""
_MOST_STOPS = 150


class Keyboard:
    """One person's keyboard.

    Args:
        person: who has it.
    """

    def __init__(self, person: Person) -> None:
        self.person = person
        self.page: Page = person.page

    async def press(self, *keys: str) -> None:
        """Keys, one after the other."""
        for key in keys:
            await self.page.keyboard.press(key)

    async def to(self, locator: Locator, key: str = "Tab") -> None:
        """Tab on until it has the focus; each stop on the way can be seen."""
        wanted = locator.first
        await expect(wanted).to_be_attached()
        for _ in range(_MOST_STOPS):
            if await wanted.evaluate("one => one === document.activeElement"):
                return
            await self.press(key)
            await self.is_seen()
        raise AssertionError(f"no way to {locator} by {key} on {self.page.url}")

    async def is_seen(self) -> None:
        """The focus is somewhere, outlined and not behind something."""
        found: dict[str, Any] = await self.page.evaluate(_FOCUS)
        if found["lost"]:
            # Behind the last stop of a page is the browser itself.
            return
        assert found["outlined"], f"no outline on {self.page.url}: {found['where']}"
        assert found["seen"], f"the focus is hidden on {self.page.url}: {found['where']}"

    async def is_not_lost(self) -> None:
        """After a swap or a command the focus is where its reader was, or at what was said."""

        async def focus() -> dict[str, Any]:
            found: dict[str, Any] = await self.page.evaluate(_FOCUS)
            return found

        # A swap is over a moment after what it brings is there.
        await eventually(focus, lambda found: not found["lost"], seconds=2)

    async def follow(self, name: str, within: str = "body") -> None:
        """A link, by Enter."""
        await self.to(self.page.locator(within).get_by_role("link", name=name))
        await self.press("Enter")

    async def push(self, name: str, within: str = "main", key: str = "Enter") -> None:
        """A button; what the answer says has the focus."""
        await self.to(self.page.locator(within).get_by_role("button", name=name, exact=True))
        await self.press(key)

    async def writes(self, **fields: str) -> None:
        """Into fields; a name with a slash has two underscores."""
        for name, value in fields.items():
            await self.to(self.page.locator(f'[name="{name.replace("__", "/")}"]'))
            await self.press("Control+a")
            await self.page.keyboard.type(value)

    async def chooses(self, name: str, value: str) -> None:
        """Of a few: by arrows."""
        locator = self.page.locator(f'select[name="{name}"]')
        await self.to(locator)
        await self.press("Home")
        for _ in range(_MOST_STOPS):
            if await locator.input_value() == value:
                return
            await self.press("ArrowDown")
        raise AssertionError(f"{name} has no {value}")
