"""Funnels through the database agree with the walks of the domain, on the same histories."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.analytics.convert import time_to_convert as times_of
from domain.analytics.funnel import Unit
from domain.analytics.funnel import funnel as counted
from domain.analytics.funnel_question import Breakdown, FunnelQuestion, Happening, Outcome, Pick, StageEntered
from domain.analytics.funnel_walk import walk
from domain.analytics.scope import Scope, UnitKind
from domain.errors import InvalidInput, TooLarge
from domain.journey_filter import JourneyFilter, JourneyOrder
from domain.paging import Page
from domain.template import Stage
from domain.values import timestamp
from storage.analytics.funnel import MOST_ROWS, funnel, time_to_convert
from storage.analytics.funnel_members import count_members, members
from storage.milestones import MILESTONES
from storage.mongo import Mongo
from tests.domain.samples import NOON
from tests.storage.analytics import asked as plainly
from tests.storage.analytics.asked import judged, plain, questions, reported, scopes
from tests.storage.analytics.histories import Fact, Way, World, facts, ways
from tests.storage.subjects import all_pages

careful = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
Asked = tuple[dict[str, Any], FunnelQuestion]
many_ways = st.lists(ways, min_size=4, max_size=10)
many_facts = st.lists(facts, min_size=4, max_size=10)


def several(steps: st.SearchStrategy[Happening]) -> st.SearchStrategy[list[Asked]]:
    """Funnels of such steps to ask about one history: to make that takes longest."""
    return st.lists(st.tuples(scopes(), questions(steps)), min_size=15, max_size=15)


async def agrees(mongo: Mongo, world: World, scope: Scope, question: FunnelQuestion) -> None:
    units = plainly.units(world, scope, question)
    plan = question.plan(scope)
    assert await funnel(mongo, scope, question) == counted(units, plan, scope.now)
    walks = [walk(each.moments, plan, scope.now) for each in units]
    assert await time_to_convert(mongo, scope, question) == times_of(walks, plan.steps)


@careful
@given(ways=many_ways, asked=several(plain))
async def test_a_funnel_of_stages_and_steps_is_that_of_the_domain(
    mongo: Mongo, ways: Sequence[Way], asked: Sequence[Asked]
) -> None:
    world = await World.of(mongo, ways, [])
    for scope, question in asked:
        await agrees(mongo, world, Scope(tenant_id=world.tenant, **scope), question)


@careful
@given(ways=many_ways, facts=many_facts, asked=several(plain | reported))
async def test_a_funnel_of_events_too_is_that_of_the_domain(
    mongo: Mongo, ways: Sequence[Way], facts: Sequence[Fact], asked: Sequence[Asked]
) -> None:
    world = await World.of(mongo, ways, facts)
    for scope, question in asked:
        await agrees(mongo, world, Scope(tenant_id=world.tenant, **scope), question)


@careful
@given(ways=many_ways, facts=many_facts, asked=several(plain | reported | judged))
async def test_conditions_on_events_are_judged_as_triggers_do(
    mongo: Mongo, ways: Sequence[Way], facts: Sequence[Fact], asked: Sequence[Asked]
) -> None:
    world = await World.of(mongo, ways, facts)
    for scope, question in asked:
        await agrees(mongo, world, Scope(tenant_id=world.tenant, **scope), question)


@careful
@given(
    ways=many_ways,
    facts=many_facts,
    asked=st.lists(st.tuples(scopes(), questions(plain | judged)), min_size=6, max_size=6),
    outcome=st.sampled_from(Outcome),
    rows=st.none() | st.sampled_from((("a",), ("a", "high", None), (None,))),
    wanted=st.sampled_from((JourneyFilter(), JourneyFilter(template_id="a"))),
    size=st.integers(1, 3),
)
async def test_each_figure_opens_the_journeys_behind_it(
    mongo: Mongo,
    ways: Sequence[Way],
    facts: Sequence[Fact],
    asked: Sequence[Asked],
    outcome: Outcome,
    rows: tuple[str | None, ...] | None,
    wanted: JourneyFilter,
    size: int,
) -> None:
    world = await World.of(mongo, ways, facts)
    for given_scope, question in asked:
        scope = Scope(tenant_id=world.tenant, **given_scope)
        pick = Pick(len(question.steps), outcome, rows if question.breakdown else None)
        if outcome is not Outcome.REACHED:
            pick = replace(pick, step=1)
        behind = [
            each for each in plainly.units(world, scope, question) if figure(each, scope, question, pick) == 1
        ]
        expected = plainly.journeys(world, behind, question, wanted)
        read = partial(members, mongo, scope, question, pick, wanted, JourneyOrder.CREATED_AT)
        assert await all_pages(read, size) == expected
        assert await all_pages(read, size, backwards=True) == expected
        assert await count_members(mongo, scope, question, pick, wanted) == len(expected)


@settings(careful, max_examples=3)
@given(ways=many_ways, facts=many_facts, asked=st.tuples(scopes(), questions(plain | reported)))
async def test_of_journeys_each_figure_is_the_number_of_journeys_behind_it(
    mongo: Mongo, ways: Sequence[Way], facts: Sequence[Fact], asked: Asked
) -> None:
    world = await World.of(mongo, ways, facts)
    scope = Scope(tenant_id=world.tenant, **asked[0])
    question = replace(asked[1], unit=UnitKind.JOURNEY, breakdown=Breakdown.PRIORITY)
    found = await funnel(mongo, scope, question)
    told = [(None, found.steps), *(((each.breakdown,), each.steps) for each in found.rows)]
    for rows, steps in told:
        for number, step in enumerate(steps, 1):
            for outcome in Outcome:
                pick = Pick(number, outcome, rows)
                behind = await count_members(mongo, scope, question, pick, JourneyFilter())
                assert behind == getattr(step, outcome.value)


def figure(unit: Unit, scope: Scope, question: FunnelQuestion, pick: Pick) -> int:
    """What the funnel of this unit alone has there."""
    alone = counted([unit], question.plan(scope), scope.now)
    if pick.rows is not None and not {each.breakdown for each in alone.rows} & set(pick.rows):
        return 0
    return int(getattr(alone.steps[pick.step - 1], pick.outcome.value))


@pytest.mark.parametrize(("hours", "reached"), [(3, 1), (4, 2)])
async def test_a_step_behind_the_range_counts_until_the_window_is_over(
    mongo: Mongo, hours: int, reached: int
) -> None:
    way = Way(("c1", None), "a", "low", "active", ((0, "stage:lead"), (4, "stage:customer")))
    world = await World.of(mongo, [way], [])
    scope = Scope(tenant_id=world.tenant, now=NOON + timedelta(days=1), until=NOON + timedelta(hours=1))
    steps = (StageEntered(Stage.LEAD), StageEntered(Stage.CUSTOMER))
    found = await funnel(mongo, scope, FunnelQuestion(steps=steps, window=timedelta(hours=hours)))
    assert sum(each.reached for each in found.steps) == reached


@pytest.mark.parametrize("pick", [Pick(0), Pick(2), Pick(1, rows=(None,))])
async def test_a_figure_that_the_funnel_does_not_have_is_refused(
    mongo: Mongo, tenant: str, pick: Pick
) -> None:
    scope, question = Scope(tenant_id=tenant, now=NOON), FunnelQuestion(steps=(StageEntered(Stage.LEAD),))
    with pytest.raises(InvalidInput):
        await members(mongo, scope, question, pick, JourneyFilter(), JourneyOrder.CREATED_AT, Page(5))


async def test_a_breakdown_of_more_values_than_anybody_reads_is_refused(mongo: Mongo, tenant: str) -> None:
    rows = [
        {
            "_id": f"{tenant}{n}",
            "tenantId": tenant,
            "name": "stage:lead",
            "journeyId": f"j{n}",
            "templateId": f"t{n}",
            "at": NOON,
            "timeKey": f"{timestamp(NOON)}|{n}",
        }
        for n in range(MOST_ROWS + 1)
    ]
    await mongo[MILESTONES].insert_many(rows)
    question = FunnelQuestion(steps=(StageEntered(Stage.LEAD),), breakdown=Breakdown.TEMPLATE)
    with pytest.raises(TooLarge):
        await funnel(mongo, Scope(tenant_id=tenant, now=NOON), question)
