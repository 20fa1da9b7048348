"""Turns are fair whatever happens: a quarter of the slots for a tenant and for a target, and everybody comes round."""

from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from workers.turns import FAILURES, LONGEST_OPEN, OPEN_SECONDS, SHARE, Turns

NAMES = st.sampled_from([f"{tenant}|{target}" for tenant in "abcdef" for target in ("crm", "billing", "")])


def tenant(queue: str) -> str:
    return queue.partition("|")[0]


def turns_of(slots: int, *queues: str) -> Turns:
    turns = Turns(slots)
    for each in queues:
        turns.add(each, 0.0)
    return turns


def take(turns: Turns, now: float = 0.0, most: int = 1000) -> list[str]:
    """Whose turn it is until nothing may be taken; each takes all that it may."""
    taken: list[str] = []
    while len(taken) < most and (turn := turns.next(now)) is not None:
        queue, room = turn
        for _ in range(room):
            turns.take(queue)
        taken.append(queue)
    return taken


def fail(turns: Turns, queue: str, now: float, times: int = FAILURES) -> None:
    for _ in range(times):
        turns.failed(queue, now)


@dataclass
class Work:
    """One queue of each tenant that never runs dry, and a worker that ends one call after the other."""

    turns: Turns
    queues: list[str]
    underway: list[str] = field(default_factory=list)
    passed: dict[str, Counter[str]] = field(
        default_factory=dict
    )  # who had a turn while this one could have had

    def fill(self) -> None:
        while (turn := self.turns.next(0.0)) is not None:
            queue, room = turn
            waiting = [each for each in self.queues if each not in self.underway and each != queue]
            self.passed = {each: self.passed.get(each, Counter()) for each in waiting}
            for each in waiting:
                self.passed[each][queue] += 1
            for _ in range(room):
                self.turns.take(queue)
            self.underway += [queue] * room

    def end(self, nth: int) -> None:
        self.turns.give_back(self.underway.pop(nth % len(self.underway)))
        self.fill()


@given(st.integers(1, 70))
def test_one_tenant_gets_a_quarter_of_the_slots_and_at_least_one(slots: int) -> None:
    turns = turns_of(slots, "a|crm", "a|billing", "a|")
    take(turns)
    assert slots - turns.free == max(1, slots // SHARE)


@given(st.integers(4, 70))
def test_enough_tenants_fill_every_slot(slots: int) -> None:
    turns = turns_of(slots, *(f"t{n}|crm" for n in range(2 * SHARE)))
    take(turns)
    assert turns.free == 0
    assert turns.next(0.0) is None


def test_tenants_take_turns_and_so_do_the_targets_of_a_tenant() -> None:
    turns = turns_of(400, "a|x", "a|y", "b|x", "c|x")
    asked = []
    for _ in range(8):
        turn = turns.next(0.0)
        assert turn is not None
        turns.take(turn[0])
        asked.append(turn[0])
    assert asked == ["a|x", "b|x", "c|x", "a|y", "b|x", "c|x", "a|x", "b|x"]


@given(st.lists(NAMES, unique_by=tenant, min_size=2), st.lists(st.integers(0, 50), max_size=100))
def test_nobody_is_passed_over_twice_by_the_same(queues: list[str], ends: list[int]) -> None:
    """Whichever calls end first: who has work and room has a turn before anybody else has a second."""
    work = Work(turns_of(SHARE, *queues), queues)
    work.fill()
    for nth in ends:
        work.end(nth)
        assert all(n == 1 for passed in work.passed.values() for n in passed.values())


def test_what_has_run_dry_has_no_turn_until_it_has_work_again() -> None:
    turns = turns_of(16, "a|x", "b|x")
    turns.drained("a|x")
    assert take(turns) == ["b|x"]
    turns.add("a|x", 0.0)
    assert take(turns) == ["a|x"]


def test_a_target_that_failed_five_times_in_a_row_is_left_alone_for_a_while() -> None:
    turns = turns_of(64, "a|x")
    fail(turns, "a|x", 0.0, FAILURES - 1)
    assert turns.next(0.0) == ("a|x", 16)
    turns.failed("a|x", 0.0)
    assert turns.next(0.0) is None
    turns.add("a|x", OPEN_SECONDS - 0.1)
    assert turns.next(OPEN_SECONDS - 0.1) is None
    turns.add("a|x", OPEN_SECONDS)
    assert turns.next(OPEN_SECONDS) == ("a|x", 1), "one call shows whether it is back"
    turns.take("a|x")
    assert turns.next(OPEN_SECONDS) is None
    turns.succeeded("a|x")
    assert turns.next(OPEN_SECONDS) == ("a|x", 15)


def test_an_answer_between_failures_closes_the_circuit() -> None:
    turns = turns_of(64, "a|x")
    fail(turns, "a|x", 0.0, FAILURES - 1)
    turns.succeeded("a|x")
    fail(turns, "a|x", 0.0, FAILURES - 1)
    assert turns.next(0.0) is not None


def test_each_failure_in_a_row_leaves_it_alone_for_twice_as_long_up_to_a_minute() -> None:
    turns, now, waits = Turns(64), 0.0, []
    fail(turns, "a|x", now)
    for _ in range(6):
        began = now
        while True:
            turns.add("a|x", now)
            if turns.next(now) is not None:
                break
            now += 0.5
        waits.append(now - began)
        turns.drained("a|x")
        turns.failed("a|x", now)
    assert waits == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]
    assert waits[-1] == LONGEST_OPEN


def test_calls_that_were_under_way_when_it_opened_leave_it_alone_no_longer() -> None:
    turns = Turns(64)
    fail(turns, "a|x", 0.0, 16)
    turns.add("a|x", OPEN_SECONDS)
    assert turns.next(OPEN_SECONDS) == ("a|x", 1)


@pytest.mark.parametrize("other", ["a|y", "b|x"])
def test_other_targets_and_the_same_target_of_others_go_on(other: str) -> None:
    turns = turns_of(16, "a|x", other)
    fail(turns, "a|x", 0.0)
    assert take(turns) == [other]


def test_what_is_switched_off_is_left_alone_until_then() -> None:
    turns = turns_of(16, "a|x", "b|x")
    turns.close("a|x", 2.0)
    assert take(turns) == ["b|x"]
    turns.add("a|x", 1.9)
    assert take(turns, 1.9) == []
    turns.add("a|x", 2.0)
    assert take(turns, 2.0) == ["a|x"]


class Anything(RuleBasedStateMachine):
    """Whatever is added, taken, ended and failing in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.slots, self.now = 24, 0.0
        self.turns = Turns(self.slots)
        self.underway: list[str] = []
        self.until: dict[str, float] = {}

    @rule(queue=NAMES)
    def add(self, queue: str) -> None:
        self.turns.add(queue, self.now)

    @rule(queue=NAMES)
    def drained(self, queue: str) -> None:
        self.turns.drained(queue)

    @rule(queue=NAMES, seconds=st.floats(0, 10))
    def close(self, queue: str, seconds: float) -> None:
        self.turns.close(queue, self.now + seconds)
        self.until[queue] = self.now + seconds

    @rule(seconds=st.floats(0, 30))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(part=st.integers(1, 24))
    def begin(self, part: int) -> None:
        turn = self.turns.next(self.now)
        if turn is None:
            return
        queue, room = turn
        assert room >= 1
        assert self.until.get(queue, 0.0) <= self.now
        for _ in range(min(part, room)):
            self.turns.take(queue)
            self.underway.append(queue)

    @precondition(lambda self: self.underway)
    @rule(nth=st.integers(0, 23), failed=st.booleans())
    def end(self, nth: int, failed: bool) -> None:
        queue = self.underway.pop(nth % len(self.underway))
        if failed:
            self.turns.failed(queue, self.now)
        else:
            self.turns.succeeded(queue)
        self.turns.give_back(queue)
        self.turns.add(queue, self.now)

    @invariant()
    def everybody_has_a_quarter_at_most(self) -> None:
        assert self.turns.free == self.slots - len(self.underway) >= 0
        share = self.slots // SHARE
        assert all(n <= share for n in Counter(self.underway).values())
        assert all(n <= share for n in Counter(map(tenant, self.underway)).values())


TestAnything = Anything.TestCase
