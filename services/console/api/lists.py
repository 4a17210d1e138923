"""A list of an API that a page needs whole."""

from typing import Any

from services.console.api.asking import Asking

_MOST_PAGES = 5


async def every(me: Asking, service: str, path: str, **params: Any) -> list[Any]:
    """All of a list, or its first thousand.

    Raises:
        ApiProblem, ApiAway: as the API answers.
    """
    found: list[Any] = []
    after: str | None = None
    for _ in range(_MOST_PAGES):
        answer = await me.get(service, path, **params, limit=200, after=after)
        found += answer["data"]
        after = answer["next"]
        if after is None:
            break
    return found
