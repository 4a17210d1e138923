"""The pages of price lists, the same for an account and for the operator."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from services.console.api.asking import Asking
from services.console.api.problem import ApiProblem
from services.console.dependencies import Fields
from services.console.http_pages import go_to, page
from services.console.pages.money.price_form import Typed, others
from services.console.rendering.errors import NONE, Errors
from shared.ids import OPERATOR_ACCOUNT

_UNPROCESSABLE = 422
_LISTS = "/v1/price-lists"
# Buttons that only change the form.
_ROWS = ("add:", "remove:")


@dataclass(frozen=True, slots=True)
class Desk:
    """Where somebody looks at price lists.

    Args:
        asks: for whom the APIs are asked.
        at: path of the pages.
        account_id: whose prices are set there.
        may_set: whether they are set at all.
        names: what accounts are called.
        is_operator: who types ids of accounts: there may be thousands.
    """

    asks: Asking
    at: str
    account_id: str
    may_set: bool
    names: Callable[[], Awaitable[Mapping[str, str]]]
    is_operator: bool = False

    async def show_lists(self, request: Request, after: str) -> Response:
        """Those that are set here, and those that the account is charged by."""
        found, names = await asyncio.gather(
            self.asks.get("fulfilment", _LISTS, after=after), self.names()
        )
        return page(
            request,
            "money/price_lists.html",
            at=self.at,
            account_id=self.account_id,
            may_set=self.may_set,
            lists=found["data"],
            next=found["next"],
            after=after,
            names=names,
        )

    async def show_new(
        self, request: Request, typed: Typed | None = None, errors: Errors = NONE, status: int = 200
    ) -> Response:
        """The form of a list that is not there yet."""
        names = await self.names()
        brands = others(names, (self.account_id, str(OPERATOR_ACCOUNT)))
        return page(
            request,
            "money/new_price_list.html",
            status=status,
            errors=errors,
            at=self.at,
            typed=typed or Typed({}, {}),
            brands=None if self.is_operator else brands,
        )

    async def make(self, request: Request, form: Fields) -> Response:
        """A button of that form."""
        typed = Typed.of_form(form)
        if form["do"].startswith(_ROWS):
            return await self.show_new(request, typed.after(form["do"]))
        body = {
            "name": typed["name"],
            "currency": typed["currency"],
            **({"charged_account": typed["charged_account"]} if typed["charged_account"] else {}),
            **_version_of(typed),
        }
        made, errors, status = await self._sent("POST", _LISTS, body, typed)
        if errors:
            return await self.show_new(request, typed, errors, status)
        return go_to(request, f"{self.at}/{made['id']}", "saved")

    async def show_list(
        self,
        request: Request,
        list_id: UUID,
        after: str = "",
        *,
        typed: Typed | None = None,
        version: str = "",
        preview: Any = None,
        errors: Errors = NONE,
        status: int = 200,
    ) -> Response:
        """Its prices, as a form for who sets them, and its versions."""
        found, versions, names = await asyncio.gather(
            self.asks.get("fulfilment", f"{_LISTS}/{list_id}"),
            self.asks.get("fulfilment", f"{_LISTS}/{list_id}/versions", limit=20, after=after),
            self.names(),
        )
        return page(
            request,
            "money/price_list.html",
            status=status,
            errors=errors,
            at=self.at,
            shown=found,
            may_set=self.may_set and found["account_id"] == self.account_id,
            typed=typed or Typed.of_list(found),
            version=version or found["version"],
            preview=preview,
            versions=versions["data"],
            next=versions["next"],
            after=after,
            names=names,
        )

    async def change(self, request: Request, form: Fields, list_id: UUID) -> Response:
        """A button of the form; nothing but Save changes prices."""
        typed, path = Typed.of_form(form), f"{_LISTS}/{list_id}"
        again = partial(self.show_list, request, list_id, version=form["version"])
        if form["do"] == "preview":
            tried = {"prices": typed.prices()}
            found, errors, status = await self._sent("POST", f"{path}/preview", tried, typed)
            return await again(typed=typed, preview=found, errors=errors, status=status)
        if form["do"].startswith(_ROWS):
            return await again(typed=typed.after(form["do"]))
        body = {"name": typed["name"], **_version_of(typed)}
        _, errors, status = await self._sent("PUT", path, body, typed, form["version"])
        if errors:
            return await again(typed=typed, errors=errors, status=status)
        return go_to(request, f"{self.at}/{list_id}", "saved")

    async def _sent(
        self, method: str, path: str, body: Any, typed: Typed, version: str = ""
    ) -> tuple[Any, Errors, int]:
        """What the API answers, or what is wrong and the status for that."""
        if typed.twice():
            return None, Errors("validation_failed", fields=typed.twice()), _UNPROCESSABLE
        try:
            found = await self.asks.send("fulfilment", method, path, body, version=version)
        except ApiProblem as problem:
            beside = typed.beside(problem.fields)
            errors = Errors(problem.code, problem.detail, problem.body, beside)
            return None, errors, problem.status
        return found, NONE, 200


def _version_of(typed: Typed) -> dict[str, Any]:
    day = typed["valid_from"]
    return {"prices": typed.prices(), **({"valid_from": f"{day}T00:00:00Z"} if day else {})}
