"""A browser without a screen: pages by HTTP, their forms filled in and sent as they stand."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Self
from urllib.parse import urlencode

import httpx
from fastapi import FastAPI

from services.catalog import API_NAMES
from services.console.main import create_app
from services.console.settings import Settings
from tests.kit.serving import ready
from tests.kit.waiting import eventually

ORIGIN = "http://127.0.0.1:8000"


_NOT_TYPED = ("hidden", "radio", "checkbox", "select", "submit")


@dataclass
class Form:
    """A form as its page has it; `controls` are the attributes of each field, with its `type`."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[str] = field(default_factory=list)
    controls: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def texts(self) -> list[str]:
        """The fields that people type into."""
        return [name for name, found in self.controls.items() if found["type"] not in _NOT_TYPED]

    def filled(self, changes: Mapping[str, str | Sequence[str]]) -> list[tuple[str, str]]:
        """What a browser sends: as it stands, with these fields changed."""
        pairs = [(name, value) for name, value in self.fields if name not in changes]
        for name, value in changes.items():
            values = [value] if isinstance(value, str) else value
            pairs += [(name, one) for one in values]
        return pairs


class _Forms(HTMLParser):
    """Finds the forms of a page, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.words: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self._open: Form | None = None
        self._select = ""
        self._area: str | None = None
        self._button = False

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids.add(found.get("id", ""))
        if tag == "form":
            self._open = Form(found.get("action", ""), found.get("method", "get").lower())
            self.forms.append(self._open)
        elif tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif self._open is not None:
            self._control(tag, found)

    def _control(self, tag: str, found: Mapping[str, str]) -> None:  # noqa: C901  one line for each kind
        form, name = self._open, found.get("name", "")
        if form is None:
            return
        if tag in ("input", "select", "textarea") and name:
            kind = found.get("type", "text") if tag == "input" else tag
            form.controls[name] = {**found, "type": kind}
        if tag == "button":
            self._button = True
            form.buttons.append("")
        elif tag == "select":
            self._select = name
        elif tag == "textarea":
            self._area = name
            form.fields.append((name, ""))
        elif tag == "option" and self._select:
            named = [one for one, _ in form.fields]
            if "selected" in found and self._select in named:
                del form.fields[named.index(self._select)]
                named.remove(self._select)
            if self._select not in named:
                form.fields.append((self._select, found.get("value", "")))
        elif tag == "input" and name:
            is_choice = found.get("type") in ("radio", "checkbox")
            if not is_choice or "checked" in found:
                form.fields.append((name, found.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = None
        elif tag == "button":
            self._button = False

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._open is not None and self._button:
            self._open.buttons[-1] += data.strip()
        if self._open is not None and self._area is not None:
            name, value = self._open.fields[-1]
            self._open.fields[-1] = (name, value + data)


@dataclass
class Page:
    """What a browser got."""

    status: int
    path: str
    html: str

    def __post_init__(self) -> None:
        parsed = _Forms()
        parsed.feed(self.html)
        self.forms = parsed.forms
        self.links = parsed.links
        self.ids = parsed.ids
        self.text = " ".join(" ".join(parsed.words).split())

    def form(self, action: str) -> Form:
        """The first form that goes to a path (a query in it does not matter)."""
        for one in self.forms:
            if one.action.split("?")[0] == action:
                return one
        raise AssertionError(f"no form to {action}: {[one.action for one in self.forms]}")


@dataclass
class Screens:
    """One browser at the console; it keeps its cookies."""

    client: httpx.AsyncClient

    async def open(self, path: str, **headers: str) -> Page:
        """A page, after its redirects."""
        return self._page(await self.client.get(path, headers=headers))

    async def send(self, path: str, fields: Any, **headers: str) -> Page:
        """A form that no page was asked for first."""
        body = urlencode(fields, doseq=True)
        sent = {
            "content-type": "application/x-www-form-urlencoded",
            "origin": ORIGIN,
            "sec-fetch-site": "same-origin",
            **headers,
        }
        return self._page(await self.client.post(path, content=body, headers=sent))

    async def submit(self, page: Page, action: str, /, **changes: str | Sequence[str]) -> Page:
        """The form of a page, filled in; a name with a slash has two underscores."""
        form = page.form(action)
        named = {name.replace("__", "/"): value for name, value in changes.items()}
        return await self.send(form.action, form.filled(named))

    async def is_out(self) -> None:
        """Return once the session is over: every service hears of it within a second."""
        await eventually(
            lambda: self.open("/account"), lambda page: page.path.startswith("/log-in")
        )

    async def log_in(self, email: str, password: str) -> Page:
        """As a person would."""
        return await self.submit(
            await self.open("/log-in"), "/log-in", email=email, password=password
        )

    @staticmethod
    def _page(answer: httpx.Response) -> Page:
        return Page(answer.status_code, answer.url.raw_path.decode(), answer.text)


class ByHost(httpx.AsyncBaseTransport):
    """Services of this process, each behind its name; one that is not there does not answer."""

    def __init__(self, apps: Mapping[str, FastAPI]) -> None:
        self.transports = {
            name: httpx.ASGITransport(app, raise_app_exceptions=False) for name, app in apps.items()
        }
        self.away: set[str] = set()
        self.before: dict[str, Callable[[], Awaitable[object]]] = {}
        """What happens while the next request for a path is on its way, once."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name = request.url.host
        if happens := self.before.pop(request.url.path, None):
            await happens()
        if name in self.away or name not in self.transports:
            raise httpx.ConnectError(f"{name} is away")
        return await self.transports[name].handle_async_request(request)


@dataclass
class Console:
    """The console, and the services that it asks."""

    app: FastAPI
    apis: ByHost

    @classmethod
    @asynccontextmanager
    async def of(cls, apps: Mapping[str, FastAPI], **settings: Any) -> AsyncIterator[Self]:
        """A console over services that run already.

        Args:
            apps: by name.
            settings: of the console.
        """
        apis = ByHost(apps)
        urls: dict[str, Any] = {f"console_{name}_url": f"http://{name}" for name in API_NAMES}
        app = create_app(Settings(**{**urls, **settings}), transport=apis)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(app.router.lifespan_context(app))
            console = cls(app, apis)
            await ready(console.browser().client)
            yield console

    def browser(self, language: str = "en") -> Screens:
        """Somebody's, without cookies."""
        return Screens(
            httpx.AsyncClient(
                transport=httpx.ASGITransport(self.app, raise_app_exceptions=False),
                base_url=ORIGIN,
                follow_redirects=True,
                headers={"accept-language": language, "user-agent": "Test browser"},
            )
        )
