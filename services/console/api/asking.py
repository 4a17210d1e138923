"""Whoever the console asks the APIs for: a member of an account, or the operator."""

from typing import Any, Protocol


class Asking(Protocol):
    """What pages need that both have."""

    async def get(self, service: str, path: str, /, **params: Any) -> Any:
        """What a GET answers."""

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
        """What a request that changes something answers."""
