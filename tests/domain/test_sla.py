"""Promises: what is promised for a journey and a step, told once when it is broken, and stopped by a pause."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import steer, walk
from domain.events import Origin
from domain.journey import Journey, Status
from domain.journey_events import (
    JourneyStarted,
    SlaBreached,
    SlaScope,
    StepEntered,
)
from domain.template import Definition, Settings
from tests.domain.handed import only
from tests.domain.samples import NOON, after, definition, events_of_start, later, started, step, types

HOUR = timedelta(hours=1)
SLA = definition(step("a", 1, sla=HOUR), step("b", 2), settings=Settings(sla_tracking=True, sla=2 * HOUR))


def tracked(*steps: Any, **rest: Any) -> Definition:
    return definition(*steps, settings=Settings(sla_tracking=True, **rest))


def late(journey: Journey, **length: float) -> list[SlaBreached]:
    events = walk.time_out(journey, at=later(**length))
    return [event for event in events if isinstance(event, SlaBreached)]


# What is promised


def test_a_step_promises_its_own_time_or_its_estimate() -> None:
    for made, due in (
        (step("a", 1, sla=HOUR, estimated_minutes=5), later(hours=1)),
        (step("a", 1, estimated_minutes=5), later(minutes=5)),
        (step("a", 1), None),
    ):
        assert only(events_of_start(tracked(made)), StepEntered).sla_due_at == due


def test_a_journey_promises_its_templates_time_else_the_contexts_hours_else_the_estimate() -> None:
    def due(template: Definition, **context: Any) -> Any:
        return only(events_of_start(template, context=context), JourneyStarted).sla_due_at

    estimated = step("a", 1, estimated_minutes=5)
    assert due(tracked(estimated, sla=2 * HOUR), slaHours=4) == later(hours=2)
    assert due(tracked(estimated), slaHours=4) == later(hours=4)
    assert due(tracked(estimated), slaHours=0.5) == later(minutes=30)
    assert due(tracked(estimated), slaHours=1 / 3_600_000.4) == later(milliseconds=1)
    assert due(tracked(estimated)) == later(minutes=5)
    assert due(tracked("a")) is None


@pytest.mark.parametrize("odd", ["4", -1, 0, None, 1e300, [4], True])
def test_hours_that_are_none_promise_nothing(odd: Any) -> None:
    assert started(tracked("a"), context={"slaHours": odd}).sla_due_at is None


def test_where_nobody_tracks_promises_there_are_none() -> None:
    journey = started(
        definition(step("a", 1, sla=HOUR), settings=Settings(sla=HOUR)), context={"slaHours": 4}
    )
    assert (journey.sla_due_at, journey.step_sla_due_at, journey.wake_at) == (None, None, None)


def test_imported_steps_promise_nothing() -> None:
    template = tracked("a", step("b", 2, sla=HOUR))
    journey = replace(started(template), origin=Origin.IMPORT)
    assert after(journey, walk.advance(journey, template, at=NOON)).step_sla_due_at is None


# Breaches


def test_a_broken_promise_is_told_once_for_each_scope_and_changes_nothing_else() -> None:
    journey = started(SLA)
    assert journey.wake_at == later(hours=1)
    assert late(journey, minutes=59) == []
    [breach] = late(journey, hours=1)
    assert (breach.scope, breach.step, breach.visit, breach.due_at) == (SlaScope.STEP, "a", 1, later(hours=1))
    told = after(journey, [breach])
    assert late(told, hours=1) == []
    assert (told.status, told.current, told.wake_at) == (journey.status, journey.current, later(hours=2))
    [breach] = late(told, hours=2)
    assert (breach.scope, breach.due_at) == (SlaScope.JOURNEY, later(hours=2))
    assert after(told, [breach]).wake_at is None


def test_both_are_told_together_when_nobody_looked_before() -> None:
    assert {each.scope for each in late(started(SLA), hours=9)} == set(SlaScope)


def test_a_step_that_times_out_late_has_broken_its_promise_first() -> None:
    template = tracked(step("a", 1, sla=HOUR, max_duration=2 * HOUR))
    events = walk.time_out(started(template), at=later(hours=3))
    assert types(events) == ["sla_breached", "step_timed_out", "failed"]


def test_a_step_that_ends_in_time_breaks_nothing_and_the_next_has_its_own_promise() -> None:
    template = tracked(step("a", 1, sla=HOUR), step("b", 2, sla=HOUR))
    journey = started(template)
    journey = after(journey, walk.advance(journey, template, at=later(minutes=30)))
    assert journey.step_sla_due_at == later(hours=1, minutes=30)
    journey = after(journey, walk.advance(journey, template, at=later(minutes=40)))
    assert (journey.status, late(journey, days=9)) == (Status.COMPLETED, [])


def test_a_retry_promises_the_steps_time_anew_and_the_journeys_goes_on() -> None:
    journey = started(SLA)
    journey = after(journey, walk.fail(journey, reason="no line", at=later(minutes=10)))
    assert (journey.wake_at, late(journey, days=1)) == (None, []), "a failed journey tells nothing"
    journey = after(journey, walk.retry(journey, SLA, at=later(minutes=90)))
    assert (journey.step_sla_due_at, journey.sla_due_at) == (later(hours=2, minutes=30), later(hours=2))


def test_a_journey_that_has_ended_has_no_promise_left_to_break() -> None:
    for end in (steer.abandon, lambda j, at: steer.complete(j, SLA, at=at)):
        for journey in (started(SLA), after(started(SLA), steer.pause(started(SLA), at=NOON))):
            if journey.status is Status.PAUSED and end is not steer.abandon:
                continue
            ended = after(journey, end(journey, at=NOON))
            assert (ended.sla_due_at, ended.step_sla_due_at, ended.wake_at) == (None, None, None)
            assert (ended.sla_remaining, ended.step_sla_remaining) == (None, None)


# Pauses


@given(st.integers(0, 59 * 60_000), st.integers(0, 10**9))
def test_a_pause_stops_both_clocks(spent: int, paused: int) -> None:
    journey = started(SLA)
    stopped = later(milliseconds=spent)
    resumed = stopped + timedelta(milliseconds=paused)
    journey = after(journey, steer.pause(journey, at=stopped))
    assert (journey.wake_at, late(journey, days=99)) == (None, [])
    journey = after(journey, steer.resume(journey, SLA, at=resumed))
    assert journey.step_sla_due_at == later(hours=1) + (resumed - stopped)
    assert journey.sla_due_at == later(hours=2) + (resumed - stopped)


def test_a_promise_broken_before_the_pause_is_told_after_it() -> None:
    journey = started(SLA)
    journey = after(journey, steer.pause(journey, at=later(hours=3)))
    journey = after(journey, steer.resume(journey, SLA, at=later(hours=5)))
    assert {each.scope for each in late(journey, hours=5)} == set(SlaScope)


def test_a_promise_that_was_broken_and_told_is_not_made_again_by_a_pause() -> None:
    journey = after(started(SLA), late(started(SLA), hours=9))
    journey = after(journey, steer.pause(journey, at=later(hours=9)))
    journey = after(journey, steer.resume(journey, SLA, at=later(hours=10)))
    assert (journey.wake_at, late(journey, days=9)) == (None, [])
