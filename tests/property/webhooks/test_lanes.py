"""The lanes under every interleaving of a dispatcher, a log and a Postgres that keep them honest.

The model plays Postgres: what is unfinished there, by order. It hands events in as the insert
statement and the claim would, and checks what starts.
"""

from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from services.webhooks.lanes import Delivery, Lanes

_ORDERS = st.integers(1, 4)
_ENDPOINT = UUID(int=99)


class LanesMachine(RuleBasedStateMachine):
    @initialize(concurrency=st.integers(1, 3), retries=st.integers(1, 2))
    def begin(self, concurrency: int, retries: int) -> None:
        self.lanes = Lanes(concurrency, retries)
        self.concurrency, self.retries = concurrency, retries
        self.told = dict.fromkeys(range(1, 5), 0)
        # Postgres: unfinished sequences by order, with the attempts that are written.
        self.stored: dict[int, dict[int, int]] = {order: {} for order in range(1, 5)}
        self.leased: set[tuple[int, int]] = set()
        self.running: dict[tuple[int, int], Delivery] = {}
        self.unwritten: list[tuple[Delivery, bool]] = []
        self.succeeded: dict[int, list[int]] = {order: [] for order in range(1, 5)}
        self.clock = 0.0

    def _delivery(self, order: int, sequence: int, attempts: int) -> Delivery:
        return Delivery(
            id=UUID(int=order * 10_000 + sequence),
            event_id=UUID(int=order * 10_000 + sequence),
            endpoint_id=_ENDPOINT,
            order_id=UUID(int=order),
            sequence=sequence,
            attempts=attempts,
            body=b"",
            traceparent=None,
            start_before=self.clock + 10,
        )

    def _give_back(self, deliveries: list[Delivery]) -> None:
        for each in deliveries:
            self.leased.discard((each.order_id.int, each.sequence))

    @rule(order=_ORDERS, wanted=st.booleans())
    def tell(self, order: int, wanted: bool) -> None:  # noqa: FBT001  hypothesis names it
        """The log has a new event; it is leased unless an earlier one waits elsewhere."""
        self.told[order] += 1
        sequence = self.told[order]
        earlier = list(self.stored[order])
        self.stored[order][sequence] = 0
        if not wanted or any((order, each) not in self.leased for each in earlier):
            self.lanes.note_followed(UUID(int=order))
            return
        if self.lanes.add(self._delivery(order, sequence, 0), behind=bool(earlier)):
            self.leased.add((order, sequence))

    @rule(order=_ORDERS)
    def claim(self, order: int) -> None:
        """The head of a lane in Postgres, if nobody has it."""
        if not self.stored[order]:
            return
        sequence = min(self.stored[order])
        if (order, sequence) in self.leased:
            return
        delivery = self._delivery(order, sequence, self.stored[order][sequence])
        if self.lanes.add(delivery, behind=False, followed=len(self.stored[order]) > 1):
            self.leased.add((order, sequence))

    @rule()
    def start(self) -> None:
        delivery = self.lanes.start()
        if delivery is None:
            return
        order = delivery.order_id.int
        assert not any(running == order for running, _ in self.running), "one at a time"
        assert delivery.sequence == len(self.succeeded[order]) + 1, "in sequence, none left out"
        self.running[order, delivery.sequence] = delivery

    @precondition(lambda self: self.running)
    @rule(data=st.data(), succeeds=st.booleans())
    def finish(self, data: st.DataObject, succeeds: bool) -> None:  # noqa: FBT001  as above
        key = data.draw(st.sampled_from(sorted(self.running)))
        delivery = self.running.pop(key)
        if succeeds:
            self.succeeded[key[0]].append(key[1])
        self._give_back(self.lanes.finish(delivery, goes_on=succeeds))
        self.unwritten.append((delivery, succeeds))

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def cut_off(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.running)))
        self._give_back(self.lanes.give_back(self.running.pop(key)))

    @rule()
    def write(self) -> None:
        unwritten, self.unwritten = self.unwritten, []
        for delivery, succeeded in unwritten:
            order, sequence = delivery.order_id.int, delivery.sequence
            if succeeded:
                del self.stored[order][sequence]
            else:
                self.stored[order][sequence] += 1
            self.leased.discard((order, sequence))
            self.lanes.written(delivery)

    @rule(seconds=st.sampled_from([1.0, 6.0, 11.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock += seconds
        self._give_back(self.lanes.take_expired(self.clock))

    @rule()
    def drop_all(self) -> None:
        self._give_back(self.lanes.take_waiting())

    @invariant()
    def counts_are_true(self) -> None:
        if not hasattr(self, "lanes"):
            return
        firsts = sum(not each.attempts for each in self.running.values())
        assert self.lanes.running_firsts == firsts <= self.concurrency
        assert self.lanes.running_retries == len(self.running) - firsts <= self.retries
        # What is leased is in memory, running, or finished and yet to be written.
        assert len(self.leased) == self.lanes.held + len(self.unwritten)

    def teardown(self) -> None:
        """With nothing failing any more, everything told is delivered, in order."""
        if not hasattr(self, "lanes"):
            return
        for _ in range(3 * sum(self.told.values()) + 3):
            for key in sorted(self.running):
                self.succeeded[key[0]].append(key[1])
                delivery = self.running.pop(key)
                self._give_back(self.lanes.finish(delivery, goes_on=True))
                self.unwritten.append((delivery, True))
            self.write()
            for order in self.told:
                self.claim(order)
            for _ in range(4):
                self.start()
        assert self.succeeded == {
            order: list(range(1, told + 1)) for order, told in self.told.items()
        }
        assert self.lanes.is_idle
        assert (self.lanes.waiting, self.lanes.waiting_retries) == (0, 0)


LanesMachine.TestCase.settings = settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much],
)
TestLanes = pytest.mark.timeout(120)(LanesMachine.TestCase)
