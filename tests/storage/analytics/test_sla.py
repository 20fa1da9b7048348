"""Promises read from the database are those of the journeys' events, whatever happened to them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import steer, walk
from domain.analytics.scope import Scope
from domain.analytics.sla import PromiseState, SlaTally, promises
from domain.journey_events import JourneyEvent
from domain.journey_filter import JourneyFilter
from domain.template import Definition, Settings
from storage.analytics.sla import sla
from storage.milestones import MILESTONES
from storage.mongo import Mongo
from tests.domain.samples import NOON, definition, step
from tests.domain.strategies import Move, Subject, definitions, moves
from tests.storage.analytics.lives import keep, lived

careful = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def histories(draw: st.DrawFn) -> tuple[Definition, list[Move], datetime]:
    """A template with promises, what is tried with its journey, and when that began."""
    made = draw(definitions())
    minutes = st.none() | st.integers(1, 4).map(lambda n: timedelta(minutes=n / 2))
    steps = tuple(replace(each, sla=draw(minutes)) for each in made.steps)
    tracked = replace(
        made.settings, sla_tracking=draw(st.sampled_from((True, True, False))), sla=draw(minutes)
    )
    name = draw(st.sampled_from(("fibre", "cable")))
    begin = NOON + timedelta(minutes=draw(st.integers(0, 5)))
    return (
        replace(made, steps=steps, settings=tracked, template_id=name),
        draw(st.lists(moves(), max_size=20)),
        begin,
    )


@careful
@given(
    st.lists(histories(), max_size=4),
    st.integers(0, 20),
    st.none() | st.tuples(st.integers(0, 6), st.integers(1, 6)),
    st.sampled_from((None, "fibre")),
    st.sampled_from((None, ("high", "urgent"))),
)
async def test_what_became_of_each_promise_is_what_its_events_say(
    mongo: Mongo,
    drawn: list[tuple[Definition, list[Move], datetime]],
    minutes: int,
    span: tuple[int, int] | None,
    template: str | None,
    priority: Any,
) -> None:
    tenant = f"t{uuid4().hex[:12]}"
    lives = [lived(f"{tenant}{n}", *each, tenant) for n, each in enumerate(drawn)]
    others = [lived(f"u{tenant}{n}", *each, f"u{tenant}") for n, each in enumerate(drawn)]
    await keep(mongo, lives)
    await keep(mongo, others)
    scope = Scope(
        tenant_id=tenant,
        now=NOON + timedelta(minutes=minutes),
        since=None if span is None else at(span[0]),
        until=None if span is None else at(sum(span)),
        filter=JourneyFilter(template_id=template, priority=priority),
    )
    expected = SlaTally(scope)
    for changes in lives:
        journey = changes[-1][0]
        if template not in (None, journey.template_id) or (
            priority and journey.priority.value not in priority
        ):
            continue
        history = [event for _, events in changes for event in events]
        expected.add(journey.template_id, promises(history))
    assert await sla(mongo, scope) == expected.report()


def at(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


HOUR = timedelta(hours=1)
TRACKED = Settings(sla_tracking=True, sla=3 * HOUR)
TWO_STEPS = definition(step("a", 1, sla=HOUR), step("b", 2, sla=2 * HOUR), settings=TRACKED)
OTHER = definition(step("first", 1, sla=HOUR), step("b", 2, sla=2 * HOUR), settings=TRACKED)


def advance(subject: Subject) -> list[JourneyEvent]:
    return walk.advance(subject.journey, subject.definition, at=subject.at)


def pause(subject: Subject) -> list[JourneyEvent]:
    return steer.pause(subject.journey, at=subject.at)


def resume(subject: Subject) -> list[JourneyEvent]:
    return steer.resume(subject.journey, subject.definition, at=subject.at)


def abandon(subject: Subject) -> list[JourneyEvent]:
    return steer.abandon(subject.journey, at=subject.at)


def fail(subject: Subject) -> list[JourneyEvent]:
    return walk.fail(subject.journey, reason="no line", at=subject.at)


def retry(subject: Subject) -> list[JourneyEvent]:
    return walk.retry(subject.journey, subject.definition, at=subject.at)


def migrate(subject: Subject) -> list[JourneyEvent]:
    return steer.migrate(subject.journey, OTHER, 2, step_map={"a": "first"}, at=subject.at)


BREACHED, MET, PAUSED, RUNNING, VOID = "breached", "met", "paused", "running", "void"


@pytest.mark.parametrize(
    ("moves", "hours", "expected"),
    [
        ([(0.5, advance), (1, advance)], 9, {None: MET, "a": MET, "b": MET}),
        ([(0.5, advance)], 2, {None: RUNNING, "a": MET, "b": RUNNING}),
        ([(1.5, pause)], 9, {None: PAUSED, "a": BREACHED}),  # told when it was paused, which stops its clock
        ([(0.5, pause)], 9, {None: PAUSED, "a": PAUSED}),
        ([(0.5, pause), (5, resume)], 5.4, {None: RUNNING, "a": RUNNING}),
        ([(0.5, pause), (5, resume)], 6.1, {None: RUNNING, "a": BREACHED}),
        ([(0.5, pause), (5, resume), (5.4, abandon)], 99, {None: VOID, "a": VOID}),
        ([(0.5, fail)], 2.9, {None: RUNNING, "a": VOID}),
        ([(0.5, fail), (4, abandon)], 9, {None: BREACHED, "a": VOID}),  # nothing is told of one that failed
        ([(0.2, migrate), (0.5, advance)], 1, {None: RUNNING, "first": MET, "b": RUNNING}),
    ],
)
async def test_what_becomes_of_promises_in_a_life_or_another(
    mongo: Mongo, tenant: str, moves: list[Any], hours: float, expected: dict[str | None, str]
) -> None:
    begun = timedelta()
    tried = []
    for after_hours, command in moves:
        wait = timedelta(hours=after_hours) - begun
        begun += wait
        tried.append(Move(command.__name__, command, wait, OTHER if command is migrate else None))
    lives = [lived(f"{tenant}1", TWO_STEPS, tried, NOON, tenant)]
    await keep(mongo, lives)
    found = await sla(mongo, Scope(tenant_id=tenant, now=NOON + timedelta(hours=hours)))
    states = {
        row.step: [state.value for state, count in row.counts.items() for _ in range(count)]
        for row in found.rows
    }
    assert states == {name: [state] for name, state in expected.items()}


async def test_the_order_in_which_milestones_were_written_does_not_matter(mongo: Mongo, tenant: str) -> None:
    tried = [Move("advance", advance, HOUR / 2), Move("advance", advance, HOUR)]
    await keep(mongo, [lived(f"{tenant}1", TWO_STEPS, tried, NOON, tenant)])
    scope = Scope(tenant_id=tenant, now=NOON + 9 * HOUR)
    before = await sla(mongo, scope)
    written = await mongo[MILESTONES].find({"tenantId": tenant}).sort("timeKey", -1).to_list(None)
    await mongo[MILESTONES].delete_many({"tenantId": tenant})
    await mongo[MILESTONES].insert_many(written)
    assert await sla(mongo, scope) == before
    assert {row.counts[PromiseState.MET] for row in before.rows} == {1}


async def test_each_visit_of_a_step_is_promised_anew(mongo: Mongo, tenant: str) -> None:
    tried = [Move("fail", fail, HOUR / 2), Move("retry", retry, HOUR), Move("advance", advance, HOUR / 2)]
    await keep(mongo, [lived(f"{tenant}1", TWO_STEPS, tried, NOON, tenant)])
    found = await sla(mongo, Scope(tenant_id=tenant, now=NOON + 2 * HOUR))
    [row] = [row for row in found.rows if row.step == "a"]
    assert {state.value: count for state, count in row.counts.items() if count} == {VOID: 1, MET: 1}
