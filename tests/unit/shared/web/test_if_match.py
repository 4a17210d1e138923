"""The version that a caller read, from `If-Match`."""

import pytest

from shared.failures import Refused
from shared.web.if_match import if_match


@pytest.mark.parametrize(
    ("value", "version"),
    [(None, None), ('"7"', 7), ('W/"7"', 7), ("7", 7), ('"' + "9" * 18 + '"', 10**18 - 1)],
)
async def test_a_version_is_read(value: str | None, version: int | None) -> None:
    assert await if_match(value) == version


@pytest.mark.parametrize("value", ["", "*", '"seven"', "-1", "\u00b2", "\u0667", "9" * 5_000])
async def test_what_is_no_version_is_refused_whatever_python_thinks_of_it(value: str) -> None:
    with pytest.raises(Refused) as refusal:
        await if_match(value)
    assert refusal.value.code == "validation_failed"
