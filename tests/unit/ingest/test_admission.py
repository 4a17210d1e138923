"""The token bucket, and the places of a process."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.admission import Admission, Bucket
from services.ingest.settings import Settings
from shared.failures import Refused
from shared.web.networks import network_of

A, B = UUID(int=1), UUID(int=2)


def test_a_burst_passes_and_then_the_rate_holds() -> None:
    bucket = Bucket(rate=10, burst=3, tokens=3, at=0)
    assert [bucket.take(0) for _ in range(3)] == [0, 0, 0]
    assert bucket.take(0) == 0.1
    assert bucket.take(0.1) == 0
    assert bucket.take(0.1) > 0


@given(st.lists(st.floats(0, 1), max_size=200))
def test_never_more_than_the_burst_and_what_time_added(gaps: list[float]) -> None:
    bucket = Bucket(rate=5, burst=4, tokens=4, at=0)
    now = 0.0
    passed = 0
    for gap in gaps:
        now += gap
        passed += bucket.take(now) == 0
        assert passed <= 4 + now * 5 + 1e-6


@pytest.fixture
def admission(service_settings: dict[str, str]) -> Admission:
    """Twenty places: ten unproven, five of a store, two of an address."""
    return Admission(Settings(ingest_max_requests=20, ingest_address_share=0.1))


@contextmanager
def as_many_as_may(places: Iterator[AbstractContextManager[None]]) -> Iterator[int]:
    """How many are let in, one after the other, until one is refused; they stay."""
    with ExitStack() as stack:
        inside = 0
        with suppress(Refused):
            for place in places:
                stack.enter_context(place)
                inside += 1
        yield inside


def test_each_limit_is_met_where_it_is(admission: Admission) -> None:
    hosts = [f"192.0.2.{n}" for n in range(100)]
    stores = [UUID(int=n) for n in range(100)]
    with as_many_as_may(admission.unproven("192.0.2.1", store) for store in stores) as inside:
        assert inside == 2
    with as_many_as_may(admission.reading("192.0.2.1") for _ in hosts) as inside:
        assert inside == 2
    with as_many_as_may(admission.unproven(host, A) for host in hosts) as inside:
        assert inside == 5
    with as_many_as_may(admission.proven(A) for _ in hosts) as inside:
        assert inside == 5
    both = zip(hosts, stores, strict=True)
    with as_many_as_may(admission.unproven(host, store) for host, store in both) as inside:
        assert inside == 10
        with as_many_as_may(admission.proven(store) for store in stores) as proven:
            assert proven == 10


def test_who_is_refused_keeps_no_place(admission: Admission) -> None:
    hosts = [f"192.0.2.{n}" for n in range(100)]
    with as_many_as_may(admission.unproven(host, A) for host in hosts):
        for _ in range(100):
            with pytest.raises(Refused, match="overloaded"), admission.unproven("198.51.100.1", A):
                pass
        with admission.unproven("198.51.100.1", B):
            pass


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:8080", "192.0.2.1:8080"),
        ("", ""),
    ],
)
def test_whom_an_address_belongs_to(address: str, network: str) -> None:
    assert network_of(address) == network
