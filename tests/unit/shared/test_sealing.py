"""Secrets at rest."""

import base64

import pytest

from shared.failures import Permanent
from shared.sealing import Sealer


def a_key(letter: str) -> str:
    return base64.urlsafe_b64encode(letter.encode() * 32).decode()


def test_a_sealed_secret_opens_and_shows_nothing() -> None:
    sealer = Sealer.parse(f"k1:{a_key('a')}")
    sealed = sealer.seal("whsec_very_secret", "endpoint:1")
    assert "very_secret" not in sealed
    assert sealer.open(sealed, "endpoint:1") == "whsec_very_secret"
    assert sealer.seal("whsec_very_secret", "endpoint:1") != sealed


def test_a_rotated_key_still_opens_and_the_first_one_seals() -> None:
    old = Sealer.parse(f"k1:{a_key('a')}").seal("s", "c")
    both = Sealer.parse(f"k2:{a_key('b')},k1:{a_key('a')}")
    assert both.open(old, "c") == "s"
    assert both.seal("s", "c").startswith("k2.")


@pytest.mark.parametrize("tampered", ["", "k1.x.y", "k9.AAAA.AAAA", "no dots"])
def test_what_does_not_open_is_permanent(tampered: str) -> None:
    with pytest.raises(Permanent):
        Sealer.parse(f"k1:{a_key('a')}").open(tampered, "c")


def test_a_secret_copied_to_another_row_does_not_open() -> None:
    sealer = Sealer.parse(f"k1:{a_key('a')}")
    with pytest.raises(Permanent):
        sealer.open(sealer.seal("s", "store:1"), "store:2")


@pytest.mark.parametrize("keys", ["", "nokid", "k1:c2hvcnQ", f"a.b:{a_key('a')}"])
def test_malformed_keys_are_refused_by_name(keys: str) -> None:
    with pytest.raises(ValueError, match="RELEVO_SEALING_KEYS"):
        Sealer.parse(keys)
