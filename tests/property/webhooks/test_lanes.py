"""The lanes under every interleaving of a dispatcher, a log and a Postgres that keep them honest.

The model plays Postgres: what is unfinished there, by order, and what is leased to this process.
Each statement is two steps, what it does in Postgres and when its answer arrives, with anything
between them. The model checks what starts.
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

from services.webhooks.delivery import Delivery
from services.webhooks.lanes import Lanes

_ORDERS = st.integers(1, 2)
_ENDPOINT = UUID(int=99)
Key = tuple[int, int]


class LanesMachine(RuleBasedStateMachine):
    @initialize(concurrency=st.integers(1, 3), retries=st.integers(1, 2))
    def begin(self, concurrency: int, retries: int) -> None:
        self.lanes = Lanes(concurrency, retries)
        self.concurrency, self.retries = concurrency, retries
        self.sequences = dict.fromkeys(range(1, 3), 0)
        # Postgres: unfinished sequences by order, with the attempts that are written.
        self.stored: dict[int, dict[int, int]] = {order: {} for order in range(1, 3)}
        self.leased: set[Key] = set()
        # Answers of statements that are under way: of the insert (one for each order, as its
        # partition is read in order), the claim, and the one that records outcomes.
        self.inserting: dict[int, tuple[Delivery, int | None] | None] = {}
        self.claiming: list[tuple[Delivery, bool]] = []
        self.recording: list[Delivery] = []
        # What memory holds, what runs, and what waits to be written.
        self.memory: set[Key] = set()
        self.running: dict[Key, Delivery] = {}
        self.unwritten: list[tuple[Delivery, bool, list[Key]]] = []
        self.releasing: list[Key] = []
        self.succeeded: dict[int, list[int]] = {order: [] for order in range(1, 3)}
        # Of orders that went back: what was unfinished then, and the sequence of the return.
        self.superseded: set[Key] = set()
        self.returned: dict[int, int] = {}
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

    def _forget(self, deliveries: list[Delivery]) -> list[Key]:
        keys = [(delivery.order_id.int, delivery.sequence) for delivery in deliveries]
        self.memory.difference_update(keys)
        return keys

    def _add(
        self, delivery: Delivery, *, predecessor: int | None, has_successors: bool = False
    ) -> None:
        key = (delivery.order_id.int, delivery.sequence)
        if delivery.sequence < self.returned.get(key[0], 0):
            return
        if self.lanes.add(delivery, predecessor=predecessor, has_successors=has_successors):
            assert key not in self.memory
            self.memory.add(key)
        else:
            self.releasing.append(key)

    @rule(order=_ORDERS, wanted=st.booleans())
    def insert(self, order: int, wanted: bool) -> None:  # noqa: FBT001  hypothesis names it
        """The log has a new event; it is leased unless the one before it waits elsewhere."""
        if order in self.inserting:
            return
        self.sequences[order] += 1
        sequence = self.sequences[order]
        last = max(self.stored[order], default=None)
        self.stored[order][sequence] = 0
        if not wanted or (last is not None and (order, last) not in self.leased):
            self.inserting[order] = None
            return
        self.leased.add((order, sequence))
        self.inserting[order] = self._delivery(order, sequence, 0), last

    @rule(order=_ORDERS, wanted=st.booleans())
    def take_back(self, order: int, wanted: bool) -> None:  # noqa: FBT001  as above
        """The log has a return: what is unfinished is superseded, what runs is not repeated."""
        if order in self.inserting:
            return
        self.sequences[order] += 1
        sequence = self.returned[order] = self.sequences[order]
        taken, has_begun = self.lanes.supersede(UUID(int=order), sequence)
        self._forget(taken)
        assert has_begun or not any(running == order for running, _ in self.running)
        superseded = {(order, before) for before in self.stored[order]}
        self.superseded |= superseded
        self.leased -= superseded - set(self.running)
        self.stored[order] = {sequence: 0}
        if wanted:
            self.leased.add((order, sequence))
        self.inserting[order] = (self._delivery(order, sequence, 0), None) if wanted else None

    @rule(order=_ORDERS)
    def inserted(self, order: int) -> None:
        if order not in self.inserting:
            return
        leased = self.inserting.pop(order)
        if leased is None:
            self.lanes.note_successors(UUID(int=order))
        else:
            self._add(leased[0], predecessor=leased[1])

    @rule(order=_ORDERS)
    def claim(self, order: int) -> None:
        """The head of a lane in Postgres, if nobody has it."""
        if not self.stored[order]:
            return
        sequence = min(self.stored[order])
        if (order, sequence) in self.leased:
            return
        self.leased.add((order, sequence))
        delivery = self._delivery(order, sequence, self.stored[order][sequence])
        self.claiming.append((delivery, len(self.stored[order]) > 1))

    @rule()
    def claimed(self) -> None:
        claiming, self.claiming = self.claiming, []
        for delivery, has_successors in claiming:
            self._add(delivery, predecessor=None, has_successors=has_successors)

    @rule()
    def start(self) -> None:
        delivery = self.lanes.start()
        if delivery is None:
            return
        order = delivery.order_id.int
        assert not any(running == order for running, _ in self.running), "one at a time"
        assert (order, delivery.sequence) not in self.superseded, "it went back"
        expected = self._expected(order, delivery.sequence - 1)
        assert self.succeeded[order] == expected, "in sequence, none left out"
        assert (order, delivery.sequence) in self.leased, "nobody else may send it"
        self.running[order, delivery.sequence] = delivery

    def _expected(self, order: int, last: int) -> list[int]:
        """What has to have succeeded up to `last`: what was superseded may have, if it ran."""
        done = self.succeeded[order]
        return [n for n in range(1, last + 1) if (order, n) not in self.superseded or n in done]

    @precondition(lambda self: self.running)
    @rule(data=st.data(), succeeds=st.booleans())
    def finish(self, data: st.DataObject, succeeds: bool) -> None:  # noqa: FBT001  as above
        key = data.draw(st.sampled_from(sorted(self.running)))
        self._finish(key, succeeds=succeeds)

    def _finish(self, key: Key, *, succeeds: bool) -> None:
        delivery = self.running.pop(key)
        if succeeds:
            self.succeeded[key[0]].append(key[1])
        assert delivery.is_superseded == (key in self.superseded)
        goes_on = succeeds or delivery.is_superseded
        successors = self._forget(self.lanes.finish(delivery, goes_on=goes_on))
        self.memory.discard(key)
        self.unwritten.append((delivery, succeeds, successors))

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def cut_off(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.running)))
        self.releasing += self._forget(self.lanes.give_back(self.running.pop(key)))

    @rule()
    def record(self) -> None:
        if self.recording:
            return
        unwritten, self.unwritten = self.unwritten, []
        for delivery, succeeded, successors in unwritten:
            order, sequence = delivery.order_id.int, delivery.sequence
            if succeeded:
                self.stored[order].pop(sequence, None)
            elif sequence in self.stored[order]:
                self.stored[order][sequence] += 1
            self.leased.difference_update([(order, sequence), *successors])
            self.recording.append(delivery)

    @rule()
    def recorded(self) -> None:
        recording, self.recording = self.recording, []
        for delivery in recording:
            self.lanes.written(delivery)

    @rule()
    def all_but_the_log_is_quick(self) -> None:
        """Outcomes are written and what they free comes back, while an insert is under way."""
        self.recorded()
        self.record()
        self.recorded()
        self.release()
        for order in self.sequences:
            self.claim(order)
        self.claimed()

    @rule(order=_ORDERS, count=st.integers(1, 3))
    def insert_at_once(self, order: int, count: int) -> None:
        """The log is quick too."""
        for _ in range(count):
            self.inserted(order)
            self.insert(order, wanted=True)
            self.inserted(order)

    @rule()
    def release(self) -> None:
        releasing, self.releasing = self.releasing, []
        self.leased.difference_update(releasing)

    @rule(seconds=st.sampled_from([1.0, 6.0, 11.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock += seconds
        self.releasing += self._forget(self.lanes.take_expired(self.clock))

    @rule()
    def drop_all(self) -> None:
        self.releasing += self._forget(self.lanes.take_waiting())

    @invariant()
    def counts_are_true(self) -> None:
        if not hasattr(self, "lanes"):
            return
        first_attempts = sum(not delivery.attempts for delivery in self.running.values())
        assert self.lanes.running_first_attempts == first_attempts <= self.concurrency
        assert self.lanes.running_retries == len(self.running) - first_attempts <= self.retries
        assert self.lanes.held == len(self.memory)
        assert self.memory <= self.leased

    def teardown(self) -> None:
        """With nothing failing any more, everything that the log had is delivered, in order."""
        if not hasattr(self, "lanes"):
            return
        for _ in range(3 * sum(self.sequences.values()) + 3):
            for order in self.sequences:
                self.inserted(order)
            self.claimed()
            for key in sorted(self.running):
                self._finish(key, succeeds=True)
            self.all_but_the_log_is_quick()
            for _ in range(4):
                self.start()
        assert self.succeeded == {
            order: self._expected(order, count) for order, count in self.sequences.items()
        }
        assert not any(self.stored.values())
        assert self.lanes.is_idle
        assert (self.lanes.waiting, self.lanes.waiting_retries) == (0, 0)


LanesMachine.TestCase.settings = settings(
    max_examples=400,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much],
)
TestLanes = pytest.mark.timeout(120)(LanesMachine.TestCase)
