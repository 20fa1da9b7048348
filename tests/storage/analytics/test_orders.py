"""What happened to different units at the same time may have been told in any order: the reports are the same."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any, TypeVar
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.analytics.attribution import Model
from domain.analytics.funnel_question import FunnelQuestion
from domain.analytics.periods import Period
from domain.analytics.question import By, Question
from domain.analytics.scope import Scope, UnitKind
from domain.record_events import ConversionAdded, TouchpointAdded
from storage.analytics.attribution import attribution
from storage.analytics.cohort import cohorts
from storage.analytics.funnel import funnel
from storage.analytics.sla import sla
from storage.analytics.stages import dropoff, stage_metrics
from storage.mongo import Mongo
from tests.domain.samples import NOON
from tests.storage.analytics import asked, lives
from tests.storage.analytics.asked import plain, questions
from tests.storage.analytics.histories import Fact, Way, World, facts, ways
from tests.storage.analytics.lives import MINUTE, Life
from tests.storage.analytics.plain_attribution import approximate, shown
from tests.storage.analytics.records import LINKED, Recorded, conversions, day, touchpoints, whose

careful = settings(max_examples=16, deadline=None, suppress_health_check=list(HealthCheck))
T = TypeVar("T")
DAYS = timedelta(days=5)
KEPT = ("journeys", "milestones", "leads", "events", "touchpoints", "conversions")
chances = st.randoms(use_true_random=False)


async def told_otherwise(mongo: Mongo, tenant: str, chance: Random) -> str:
    """Another tenant in which the same was written in another order."""
    other = f"t{uuid4().hex[:12]}"
    for name in KEPT:
        documents = [
            renamed(each, tenant, other)
            for each in await mongo[name].find({"tenantId": tenant}).sort("_id", 1).to_list(None)
        ]
        chance.shuffle(documents)
        if documents:
            await mongo[name].insert_many(documents)
    return other


def renamed(value: Any, old: str, new: str) -> Any:
    match value:
        case str():
            return value.replace(old, new)
        case list():
            return [renamed(each, old, new) for each in value]
        case dict():
            return {key: renamed(each, old, new) for key, each in value.items()}
        case _:
            return value


def in_turn(things: Sequence[T], owners: Sequence[str | None], chance: Random) -> list[T]:
    """The owners' things in another order; each one's own, and so what decides between them, stay in theirs."""
    ranks = sorted({str(each) for each in owners})
    chance.shuffle(ranks)
    return [things[n] for n in sorted(range(len(things)), key=lambda n: ranks.index(str(owners[n])))]


def person(named: tuple[str | None, str | None]) -> str | None:
    customer, lead = named
    return customer or (LINKED.get(lead, lead) if lead else None)


@careful
@given(
    st.lists(ways, min_size=4, max_size=9),
    st.lists(facts.map(lambda each: replace(each, journey=None)), max_size=8),
    st.lists(st.tuples(asked.scopes(), questions(plain | asked.reported)), min_size=2, max_size=2),
    chances,
)
async def test_customers_come_as_far_through_a_funnel(
    mongo: Mongo,
    told: list[Way],
    reported: list[Fact],
    asked_of: list[tuple[dict[str, Any], FunnelQuestion]],
    chance: Random,
) -> None:
    first = await World.of(mongo, told, reported)
    second = await World.of(
        mongo,
        in_turn(told, [person(each.person) for each in told], chance),
        in_turn(reported, [person(each.person) for each in reported], chance),
    )
    others = [second.tenant, await told_otherwise(mongo, second.tenant, chance)]
    for given_scope, question in asked_of:
        asks = replace(question, unit=UnitKind.CUSTOMER)
        scope = Scope(tenant_id=first.tenant, **given_scope)
        expected = await funnel(mongo, scope, asks)
        for tenant in others:
            same = replace(scope, tenant_id=tenant)
            assert await funnel(mongo, same, asks) == expected


def at_once(record: Any) -> Any:
    """In one of a few moments."""
    return replace(record, at=NOON + (record.at - NOON) // DAYS * DAYS)


@careful
@given(
    st.lists(touchpoints.map(at_once), min_size=8, max_size=25),
    st.lists(conversions.map(at_once), min_size=4, max_size=12),
    st.sampled_from(By),
    st.none() | st.integers(0, 12),
    chances,
)
async def test_touchpoints_earn_as_much_and_cohorts_are_as_large(
    mongo: Mongo,
    contacts: list[TouchpointAdded],
    converted: list[ConversionAdded],
    by: By,
    since: int | None,
    chance: Random,
) -> None:
    tenant = (await Recorded.of(mongo, contacts, converted)).tenant
    turned = await Recorded.of(
        mongo,
        in_turn(contacts, [*map(whose, contacts)], chance),
        in_turn(converted, [*map(whose, converted)], chance),
    )
    question = Question(models=tuple(Model), by=by, currency="EUR", lookback=timedelta(days=5))
    scope = Scope(tenant_id=tenant, now=day(99), since=None if since is None else day(since))
    found = await attribution(mongo, scope, question)
    grouped = (await cohorts(mongo, scope, Period.WEEK, "EUR")).report()
    for other in (turned.tenant, await told_otherwise(mongo, turned.tenant, chance)):
        same = replace(scope, tenant_id=other)
        again = await attribution(mongo, same, question)
        assert shown(again.report) == approximate(shown(found.report))
        assert replace(again, report=found.report) == found
        assert (await cohorts(mongo, same, Period.WEEK, "EUR")).report() == grouped


def promised(life: Life) -> Life:
    """With promises, and begun when many others are."""
    made = replace(life.template.settings, sla_tracking=True, sla=3 * MINUTE)
    steps = tuple(replace(each, sla=MINUTE) for each in life.template.steps)
    template = replace(life.template, settings=made, steps=steps)
    return replace(life, template=template, begin=life.begin // (3 * MINUTE) * 3 * MINUTE)


@careful
@given(
    st.lists(lives.lives().map(promised), min_size=4, max_size=8),
    st.lists(lives.scopes(), min_size=2, max_size=2),
    chances,
)
async def test_journeys_are_lost_and_promises_kept_as_often(
    mongo: Mongo, lived: list[Life], asked_of: list[dict[str, Any]], chance: Random
) -> None:
    tenant, second = (f"t{uuid4().hex[:12]}" for _ in range(2))
    numbers = [*range(len(lived))]
    for name in (tenant, second):
        changes = [life.changes(f"{name}{n}", name) for life, n in zip(lived, numbers, strict=True)]
        await lives.keep(mongo, changes)
        chance.shuffle(numbers)
    third = await told_otherwise(mongo, second, chance)
    for given_scope in asked_of:
        first, another, shuffled = (Scope(tenant_id=each, **given_scope) for each in (tenant, second, third))
        for report in (dropoff, stage_metrics, sla):
            expected = await report(mongo, first)
            assert await report(mongo, another) == expected
            assert await report(mongo, shuffled) == expected
        lost = [await dropoff(mongo, each, UnitKind.CUSTOMER) for each in (another, shuffled)]
        assert lost[0] == lost[1]
