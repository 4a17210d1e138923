"""Several calls at once, for a page that stands without some of them."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from services.console.api.problem import ApiAway, ApiProblem


async def known(*calls: Awaitable[Any]) -> list[Any]:
    """What each call answers, None for one whose API is away or says no.

    Raises:
        SessionOver, ActingOver: as the calls do; all of them have ended by then.
    """
    answers = await asyncio.gather(*calls, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, ApiAway | ApiProblem):
            raise answer
    return [None if isinstance(answer, BaseException) else answer for answer in answers]
