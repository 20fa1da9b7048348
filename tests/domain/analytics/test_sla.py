"""Promises (SLA): what became of each, and which part was met."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import steer, walk
from domain.analytics.figure import Figure
from domain.analytics.scope import Scope
from domain.analytics.sla import (
    NOTHING_DECIDED,
    Promise,
    PromiseState,
    SlaReport,
    SlaTally,
    compliance,
    promises,
)
from domain.errors import DomainError
from domain.journey import Journey
from domain.journey_events import JourneyEvent
from domain.template import Definition, Settings
from domain.values import JsonObject
from tests.domain.samples import NOON, after, definition, events_of_start, later, step, told
from tests.domain.strategies import Move, Subject, contexts, definitions, moves

HOUR = timedelta(hours=1)
TRACKED = Settings(sla_tracking=True, sla=3 * HOUR)
SLA = definition(step("a", 1, sla=HOUR), step("b", 2, sla=HOUR), settings=TRACKED)
MET, BREACHED, RUNNING, PAUSED, VOID = PromiseState


class Story:
    """A journey of two steps of an hour each, within three."""

    def __init__(self) -> None:
        self.events: list[JourneyEvent] = events_of_start(SLA)

    @property
    def journey(self) -> Journey:
        return told(self.events)

    def then(self, events: list[JourneyEvent]) -> "Story":
        self.events += events
        return self

    def states(self, now: datetime) -> list[str]:
        """What became of the steps' promises in order, and last of the journey's."""
        return [each.state(now).value for each in promises(self.events)]


def hours(number: float) -> datetime:
    return later(hours=number)


def test_what_is_open_runs_until_it_is_due_and_is_breached_from_then_on() -> None:
    story = Story()
    assert story.states(hours(0.99)) == ["running", "running"]
    assert story.states(hours(1)) == ["breached", "running"], "told or not"
    assert story.states(hours(3)) == ["breached", "breached"]
    story.then(walk.time_out(story.journey, at=hours(1)))
    assert story.states(hours(1)) == ["breached", "running"]


def test_what_is_done_in_time_is_met() -> None:
    story = Story()
    story.then(walk.advance(story.journey, SLA, at=hours(0.5)))
    assert story.states(hours(1)) == ["met", "running", "running"]
    story.then(walk.advance(story.journey, SLA, at=hours(1.4)))
    assert story.states(hours(99)) == ["met", "met", "met"]


@pytest.mark.parametrize("told_first", [True, False])
def test_what_is_done_late_is_breached_whether_that_was_told_or_not(told_first: bool) -> None:
    story = Story()
    if told_first:
        story.then(walk.time_out(story.journey, at=hours(1)))
    story.then(walk.advance(story.journey, SLA, at=hours(1)))
    story.then(walk.advance(story.journey, SLA, at=hours(1.5)))
    assert story.states(hours(9)) == ["breached", "met", "met"]


def test_a_pause_stops_the_clock() -> None:
    story = Story()
    story.then(steer.pause(story.journey, at=hours(0.5)))
    assert story.states(hours(99)) == ["paused", "paused"]
    story.then(steer.resume(story.journey, SLA, at=hours(100)))
    assert story.states(hours(100.49)) == ["running", "running"]
    assert story.states(hours(100.5)) == ["breached", "running"]
    story.then(walk.advance(story.journey, SLA, at=hours(100.4)))
    assert story.states(hours(100.4)) == ["met", "running", "running"]


def test_what_was_overdue_before_the_pause_is_breached_during_it() -> None:
    story = Story()
    story.then(steer.pause(story.journey, at=hours(2)))
    assert story.states(hours(2)) == ["breached", "paused"]
    story.then(steer.abandon(story.journey, at=hours(2.5)))
    assert story.states(hours(9)) == ["breached", "void"]


def test_what_is_left_without_being_done_is_neither_met_nor_breached() -> None:
    story = Story()
    story.then(walk.fail(story.journey, reason="no line", at=hours(0.5)))
    assert story.states(hours(2.9)) == ["void", "running"], "a journey that failed can still be completed"
    assert story.states(hours(3)) == ["void", "breached"]
    story.then(walk.retry(story.journey, SLA, at=hours(1)))
    assert [(each.step, each.visit) for each in promises(story.events)] == [("a", 1), ("a", 2), (None, None)]
    assert story.states(hours(1.9)) == ["void", "running", "running"]
    story.then(steer.abandon(story.journey, at=hours(1.5)))
    assert story.states(hours(9)) == ["void", "void", "void"]


def test_a_promise_goes_with_its_step_into_another_version() -> None:
    story = Story()
    other = definition(step("first", 1), step("b", 2), settings=TRACKED)
    story.then(steer.migrate(story.journey, other, 2, step_map={"a": "first"}, at=hours(0.2)))
    story.then(walk.advance(story.journey, other, at=hours(0.5)))
    first, journey = promises(story.events)
    assert (first.step, first.state(hours(9))) == ("first", MET)
    assert journey.state(hours(1)) == RUNNING


def test_where_nothing_is_promised_there_is_nothing_to_keep() -> None:
    assert promises(events_of_start(definition("a", "b"))) == []
    assert promises([]) == []


def report(*made: Promise, since: datetime | None = None, until: datetime | None = None) -> SlaReport:
    tally = SlaTally(Scope(tenant_id="t", now=hours(9), since=since, until=until))
    tally.add("fibre", made)
    return tally.report()


def promise(name: str | None, hour: float, done: float | None = None) -> Promise:
    """Made at this hour, for one hour; done at another."""
    ended = None if done is None else hours(done)
    return Promise(step=name, made_at=hours(hour), due_at=hours(hour + 1), ended_at=ended, done=True)


def test_compliance_is_what_was_met_of_what_was_met_or_breached() -> None:
    found = report(promise("a", 1, 1.5), promise("a", 2), promise("a", 8.5), promise(None, 1, 1.9))
    assert [(row.step, row.compliance) for row in found.rows] == [(None, Figure(1)), ("a", Figure(0.5))]
    assert found.rows[1].counts == {MET: 1, BREACHED: 1, RUNNING: 1, PAUSED: 0, VOID: 0}
    assert (found.journeys.compliance, found.steps.compliance) == (Figure(1), Figure(0.5))


def test_where_nothing_was_decided_there_is_no_compliance() -> None:
    nothing = Figure(reason=NOTHING_DECIDED)
    empty = report()
    assert (empty.rows, empty.journeys.compliance, empty.steps.compliance) == ((), nothing, nothing)
    running = report(promise("a", 8.5))
    assert running.rows[0].compliance == compliance(0, 0) == nothing


def test_a_promise_belongs_to_the_range_in_which_it_was_made() -> None:
    made = [promise("a", hour, hour + 0.5) for hour in (1, 2, 3)]
    found = report(*made, since=hours(2), until=hours(3))
    assert found.steps.counts[MET] == 1


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("x", "y")),
            st.sampled_from(("a", "b", None)),
            st.sampled_from(PromiseState),
            st.integers(0, 9),
        )
    )
)
def test_templates_and_steps_add_up(counted: list[tuple[str, str | None, PromiseState, int]]) -> None:
    tally = SlaTally(Scope(tenant_id="t", now=NOON))
    for template, name, state, count in counted:
        tally.add_count(template, name, state, count)
    found = tally.report()
    for state in PromiseState:
        assert sum(row.counts[state] for row in found.rows) == sum(
            n for *_, each, n in counted if each is state
        )
        for total, of_steps in ((found.journeys, False), (found.steps, True)):
            rows = [row for row in found.rows if (row.step is not None) is of_steps]
            assert total.counts[state] == sum(row.counts[state] for row in rows)


@settings(max_examples=200, deadline=None)
@given(definitions(), contexts, st.lists(moves(), max_size=20), st.integers(1, 400))
def test_the_open_promises_are_the_ones_the_journey_itself_bears(
    template: Definition, context: JsonObject, tried: list[Move], minutes: int
) -> None:
    promised = replace(template.settings, sla_tracking=True, sla=timedelta(minutes=minutes))
    template = replace(template, settings=promised)
    history = events_of_start(template, context=context)
    subject = Subject(told(history), template, NOON)
    for move in tried:
        subject = replace(subject, at=subject.at + move.wait)
        try:
            events = move.command(subject)
        except DomainError:
            continue
        subject = replace(move.arrived(subject), journey=after(subject.journey, events))
        history += events
        made = promises(history)
        journey = subject.journey
        of_step = [each for each in made if each.step is not None and each.ended_at is None]
        of_journey = [each for each in made if each.step is None and each.ended_at is None]
        assert open_clock(of_step) == (journey.step_sla_due_at, journey.step_sla_remaining)
        assert open_clock(of_journey) == (journey.sla_due_at, journey.sla_remaining)
        assert all(each.step == journey.current_step for each in of_step)


def open_clock(made: list[Promise]) -> tuple[datetime | None, float | None]:
    """Until when the only open promise runs, or the seconds it has left; of one that was told as broken, nothing."""
    assert len(made) <= 1
    return next(((each.due_at, each.remaining) for each in made if not each.breached), (None, None))
