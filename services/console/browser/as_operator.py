"""Whoever has shown the operator key, and the APIs as they may use them."""

from typing import Any

from services.console.api.client import Apis, Caller
from services.console.browser.operators import Operator


class KeyNeeded(Exception):  # noqa: N818  says what it is
    """The page is for who has shown the operator key to this browser."""


class AsOperator:
    """The operator at a browser.

    Args:
        operator: with the key.
        caller: what the services see of the browser.
        apis: the services.
    """

    def __init__(self, operator: Operator, caller: Caller, apis: Apis) -> None:
        self.operator = operator
        self._caller = caller
        self._apis = apis

    async def get(self, service: str, path: str, /, **params: Any) -> Any:
        """What a GET answers.

        Raises:
            ApiProblem, ApiAway.
        """
        answer = await self._apis.call(
            service, "GET", path, self._caller, token=self.operator.key, params=params
        )
        return answer.body

    async def send(
        self,
        service: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        version: object = None,
        key: str = "",
    ) -> Any:
        """What a request that changes something answers.

        Args:
            service: which API.
            method: of HTTP.
            path: with its ids.
            body: as JSON.
            version: what it was made to (`If-Match`).
            key: of idempotence.

        Raises:
            ApiProblem, ApiAway.
        """
        headers = {"if-match": f'"{version}"'} if version not in (None, "") else {}
        if key:
            headers["idempotency-key"] = key
        answer = await self._apis.call(
            service, method, path, self._caller, token=self.operator.key, body=body, headers=headers
        )
        return answer.body
