"""What a body may be: packed, but not a bomb; large, but not a puzzle."""

import gzip
import zlib

import pytest

from shared.failures import Refused
from shared.web.bodies import decoded

LIMIT = 10_000
ORDER = b'{"external_id":"1"}' * 40


@pytest.mark.parametrize("encoding", ["", "identity", "br"])
def test_what_is_not_packed_stays_as_it_is(encoding: str) -> None:
    assert decoded(ORDER, encoding, LIMIT) == ORDER


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(ORDER)),
        ("GZIP ", gzip.compress(ORDER)),
        ("deflate", zlib.compress(ORDER)),
    ],
)
def test_a_packed_body_is_unpacked(encoding: str, packed: bytes) -> None:
    assert decoded(packed, encoding, LIMIT) == ORDER


def test_a_bomb_is_unpacked_no_further_than_the_limit() -> None:
    with pytest.raises(Refused, match="body_too_large"):
        decoded(gzip.compress(b"0" * 50_000_000), "gzip", LIMIT)


@pytest.mark.parametrize("body", [b"", b"{}", gzip.compress(ORDER)[:-9]])
def test_what_is_not_what_it_says_is_refused(body: bytes) -> None:
    with pytest.raises(Refused, match="malformed_encoding"):
        decoded(body, "gzip", LIMIT)


def test_a_body_made_of_very_many_strings_is_refused_before_anything_reads_it() -> None:
    strings = b'"a":1,' * 80_000
    with pytest.raises(Refused, match="body_too_complex"):
        decoded(strings, "", len(strings))
