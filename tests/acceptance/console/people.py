"""What people do at the console, by what they read on it: in either language."""

import os
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Page, expect

from relevo.local.stack import Stack
from services.console.rendering.templates import DOMAIN, HOME
from shared.words import translations
from tests.kit.mailbox import Folder

PASSWORD = "correct horse battery"
# Where screenshots go; none are made without it.
_SCREENSHOTS = os.environ.get("RELEVO_SCREENSHOTS", "")


@dataclass
class Person:
    """Somebody at a browser, who reads the console in a language."""

    page: Page
    stack: Stack
    language: str
    name: str
    email: str

    def say(self, sentence: str, **facts: object) -> str:
        """A sentence of the console as this person reads it."""
        words = translations(HOME / "locale", DOMAIN, self.language).gettext(sentence)
        return words % facts if facts else words

    async def press(self, sentence: str, **facts: object) -> None:
        """A button."""
        name = self.say(sentence, **facts)
        await self.page.get_by_role("button", name=name, exact=True).first.click()

    async def follow(self, sentence: str, **facts: object) -> None:
        """A link."""
        name = self.say(sentence, **facts)
        await self.page.get_by_role("link", name=name, exact=True).first.click()

    async def reads(self, sentence: str, **facts: object) -> None:
        """The sentence stands on the page, or will."""
        await expect(self.page.get_by_text(self.say(sentence, **facts)).first).to_be_visible(
            timeout=20_000
        )

    async def types(self, **fields: str) -> None:
        """Into the fields of a form; a name with a slash has two underscores."""
        for name, value in fields.items():
            await self.page.locator(f'[name="{name.replace("__", "/")}"]').first.fill(value)

    async def mailed(self, count: int = 1) -> str:
        """The path, with its token, that the newest mail leads to."""
        mails = await Folder(self.stack.mail_folder).wait_for(self.email, count)
        return mails[-1].link.removeprefix(self.stack.urls["console"])

    async def sign_up(self, kind: str) -> None:
        """From the form over the mail to the first page."""
        await self.page.goto("/sign-up")
        await self.page.locator(f'[name="kind"][value="{kind}"]').check()
        await self.types(name=self.name, email=self.email)
        await self.press("Send me the link")
        await self.reads("Look into your mail")
        await self.page.goto(await self.mailed())
        await self.types(password=PASSWORD)
        await self.press("Go on")
        await self.reads("Welcome to Relevo.")

    async def shows(self, name: str) -> None:
        """Keep a picture of what the person sees."""
        if not _SCREENSHOTS:
            return
        for scheme in ("light", "dark") if self.language == "en" else ("light",):
            await self.page.emulate_media(color_scheme=scheme)
            path = Path(_SCREENSHOTS) / f"{name}-{self.language}-{scheme}.png"
            await self.page.screenshot(path=path)
        await self.page.emulate_media(color_scheme="light")
