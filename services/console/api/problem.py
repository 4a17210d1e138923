"""What an API answers when it does not do what was asked. Pure."""

from collections.abc import Mapping
from typing import Any


class ApiProblem(Exception):  # noqa: N818  as RFC 9457 calls it
    """An answer that is no success.

    Args:
        service: which API.
        status: HTTP status code.
        body: the problem (RFC 9457); empty when the answer was none.
    """

    def __init__(self, service: str, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(f"{service}: {status} {body.get('code', '')}")
        self.service = service
        self.status = status
        self.body = body

    @property
    def code(self) -> str:
        """Stable, see docs/problems.md."""
        return str(self.body.get("code", ""))

    @property
    def detail(self) -> str:
        """What is wrong and what to do about it, in English."""
        return str(self.body.get("detail", ""))

    @property
    def fields(self) -> dict[str, str]:
        """The wrong fields: JSON Pointer (RFC 6901) → what is wrong with it, the first of each."""
        found: dict[str, str] = {}
        for error in self.body.get("errors", ()):
            found.setdefault(str(error.get("pointer", "")), str(error.get("message", "")))
        return found


class ApiAway(Exception):  # noqa: N818  says what it is
    """No answer came, or one that only says to come back.

    Args:
        service: which API.
    """

    def __init__(self, service: str) -> None:
        super().__init__(f"{service} does not answer")
        self.service = service
