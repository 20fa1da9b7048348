"""Drop-off and the figures of stages and steps through the database are those of the journeys' own events."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import steer, walk
from domain.analytics.dropoff import DropoffCount, StageDropoff
from domain.analytics.scope import Scope, UnitKind
from domain.analytics.stage_metrics import StageRow, StageTally, stage_visits
from domain.analytics.stay import Told, Turn, stays
from domain.analytics.step_metrics import Deed, Done, StepRow, StepTally, step_visits
from domain.events import StepState
from domain.journey import Status
from domain.journey_events import (
    JourneyAbandoned,
    JourneyCompleted,
    JourneyFailed,
    JourneyMigrated,
    JourneyStarted,
    StageChanged,
    StepCompleted,
    StepEntered,
    StepFailed,
    StepRetried,
    StepSkipped,
    StepTimedOut,
)
from domain.journey_fold import begin, evolve
from domain.template import Stage
from storage.analytics.stages import dropoff, stage_metrics
from storage.analytics.steps import step_metrics
from storage.mongo import Mongo
from tests.domain.samples import ANNA, NOON, definition, step
from tests.domain.strategies import Move
from tests.storage.analytics.lives import MINUTE, Change, Life, keep, kept, lives, scopes
from tests.storage.analytics.plain_ways import Happened, ways

careful = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
Ended = JourneyCompleted | JourneyAbandoned
STEPS = ("c", "a", "z")
several = st.lists(lives(), min_size=4, max_size=8)
asked = st.lists(scopes(), min_size=8, max_size=8)
LATER = NOON + timedelta(days=9)


def turns(way: Iterable[Happened]) -> Iterable[Told]:
    for each in way:
        match each.event:
            case JourneyStarted(at=at, stage=stage) | StageChanged(at=at, to_stage=stage):
                yield Told(at, Turn.ENTERED, stage)
            case StepRetried(at=at):
                yield Told(at, Turn.RETRIED)
            case JourneyFailed(at=at, reason=reason):
                yield Told(at, Turn.FAILED, reason=reason)
            case JourneyAbandoned(at=at, reason=reason):
                yield Told(at, Turn.ABANDONED, reason=reason)
            case JourneyCompleted(at=at):
                yield Told(at, Turn.COMPLETED)
            case _:
                pass


def dropped(units: list[list[list[Happened]]], scope: Scope) -> tuple[StageDropoff, ...]:
    count = DropoffCount(stage.value for stage in Stage)
    for unit in units:
        visits = [visit for way in unit for visit in stays(turns(way))]
        counted = [each for each in visits if scope.begins <= each.entered_at < scope.ends]
        count.add(counted, [each.entered_at for each in visits if each not in counted])
    return count.report()


def stayed(units: list[list[list[Happened]]], scope: Scope) -> tuple[StageRow, ...]:
    tally = StageTally(until=scope.until)
    for [way] in units:
        entered = [(each.at, each.stage) for each in turns(way) if each.stage is not None]
        ended = [each.at for each in way if isinstance(each.event, Ended)]
        tally.add(stage_visits(entered, ended[0] if ended else None))
    return tally.report()


def deeds(way: Iterable[Happened]) -> Iterable[Done]:
    for each in way:
        one, at, imported = str(each.place), each.at, each.place[0] == 1 and each.journey.origin == "import"
        match each.event:
            case StepEntered(step=step):
                yield Done(at, one, Deed.ENTERED, step)
            case StepCompleted(step=step, automatic=automatic):
                if imported:
                    yield Done(at, one, Deed.ENTERED, step)
                yield Done(at, one, Deed.COMPLETED, step, automatic)
            case StepSkipped(step=step):
                yield Done(at, one, Deed.SKIPPED, step)
            case StepFailed(step=step) | StepTimedOut(step=step):
                yield Done(at, one, Deed.FAILED, step)
            case JourneyMigrated(current_step=step):
                yield Done(at, one, Deed.MIGRATED, step)
            case JourneyCompleted() | JourneyAbandoned():
                yield Done(at, one, Deed.ENDED)
            case _:
                pass


def visited(units: list[list[list[Happened]]], scope: Scope, template: str) -> tuple[StepRow, ...]:
    tally = StepTally(scope.until)
    for [way] in units:
        if way[0].journey.template_id == template:
            tally.add(step_visits(deeds(way)))
    return tally.report(STEPS)


@careful
@given(several, asked)
async def test_who_drops_off_is_who_the_events_say(
    mongo: Mongo, lived: list[Life], asked: list[dict[str, Any]]
) -> None:
    tenant, told = await kept(mongo, lived)
    for each in asked:
        scope = Scope(tenant_id=tenant, **each)
        for unit in UnitKind:
            found = await dropoff(mongo, scope, unit)
            assert found == dropped(ways(told, scope, unit), scope)
            for row in found:
                assert row.entered >= row.dropped >= row.recovered
                assert row.entered >= row.open
                assert row.dropped == sum(count for _, count in row.reasons) == row.time_to_drop_off.count


@careful
@given(several, asked)
async def test_how_stages_and_steps_are_gone_through_is_what_the_events_say(
    mongo: Mongo, lived: list[Life], asked: list[dict[str, Any]]
) -> None:
    tenant, told = await kept(mongo, lived)
    for each in asked:
        scope = Scope(tenant_id=tenant, **each)
        units = ways(told, scope, UnitKind.JOURNEY)
        assert await stage_metrics(mongo, scope) == stayed(units, scope)
        for template in ("fibre", "old"):
            assert await step_metrics(mongo, scope, template, STEPS) == visited(units, scope, template)


@careful
@given(st.lists(lives(), min_size=4, max_size=12))
async def test_what_has_not_ended_is_where_the_journeys_stand(mongo: Mongo, lived: list[Life]) -> None:
    """Looked at from the other side: not what happened, but what became of it."""
    tenant, told = await kept(mongo, [each for each in lived if forwards(each)])
    scope = Scope(tenant_id=tenant, now=LATER)
    last = [changes[-1][0] for changes in told]
    live = [each for each in last if each.status.live]
    for found in await dropoff(mongo, scope):
        there = [each for each in told if found.stage in stages(each)]
        going = [each for each in live if each.stage == found.stage and each.status is not Status.FAILED]
        assert (found.entered, found.open) == (len(there), len(going))
    for stage in await stage_metrics(mongo, scope):
        assert stage.entries - stage.exits == sum(each.stage is stage.stage for each in live)
    for template in ("fibre", "cable", "old"):
        mine = [each for each in live if each.template_id == template]
        for row in await step_metrics(mongo, scope, template, STEPS):
            here = [each for each in mine if each.visit(row.step).state is StepState.ACTIVE]
            assert row.entries - row.exits == len(here)
            assert row.exits >= row.completed + row.skipped + row.failed
            assert row.completed >= row.automatic


def forwards(life: Life) -> bool:
    """Told backwards by an import, or moved elsewhere after it failed, a journey stands where its way does not end."""
    times = [minutes for _, minutes in life.activities]
    changes = life.changes("one", "tenant")
    moved = [
        any(isinstance(each, JourneyMigrated) for each in events)
        for (before, _), (_, events) in pairwise(changes)
        if before.status is Status.FAILED
    ]
    return times == sorted(times) and not any(moved)


def stages(changes: Sequence[Change]) -> set[Stage]:
    """Where the journey stood after one of its events or another."""
    first, *events = [event for _, events in changes for event in events]
    assert isinstance(first, JourneyStarted)
    return {each.stage for each in accumulate(events, evolve, initial=begin("one", first, ANNA))}


@pytest.mark.parametrize(("names", "recovered"), [(("1", "2"), 1), (("2", "1"), 0)])
async def test_of_one_customers_events_at_the_same_time_the_ids_say_which_came_later(
    mongo: Mongo, tenant: str, names: tuple[str, str], recovered: int
) -> None:
    template = definition("a", step("b", 2, stage=Stage.QUALIFIED))
    lost = Life(template, ("c1", None), timedelta(), (advance, abandon))
    other = Life(template, ("c1", None), MINUTE, ())
    told = [each.changes(tenant + name, tenant) for name, each in zip(names, (lost, other), strict=True)]
    await keep(mongo, told)
    scope = Scope(tenant_id=tenant, now=LATER)
    found = {each.stage: each for each in await dropoff(mongo, scope, UnitKind.CUSTOMER)}
    assert (found["qualified"].dropped, found["qualified"].recovered) == (1, recovered)


advance = Move("advance", lambda s: walk.advance(s.journey, s.definition, at=s.at), MINUTE)
abandon = Move("abandon", lambda s: steer.abandon(s.journey, at=s.at), timedelta())
