"""Milestones that the log's entries make: one for each thing that a journey did, and the reports that read them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.analytics.convert import time_to_convert as times_of
from domain.analytics.funnel import Unit
from domain.analytics.funnel import funnel as counted
from domain.analytics.funnel_question import FunnelQuestion, Happening, StageEntered, StepEntered
from domain.analytics.funnel_walk import Moment, OrderMode, walk
from domain.analytics.metrics import OpenJourneys, automation, metrics_of
from domain.analytics.scope import Scope, UnitKind
from domain.events import StepState
from domain.journey import Journey
from domain.journey_events import (
    JourneyAbandoned,
    JourneyCompleted,
    JourneyMigrated,
    JourneyStarted,
    SlaBreached,
    StageChanged,
    StepCompleted,
    StepRetried,
)
from domain.journey_events import StepEntered as Entered
from domain.journey_fold import begin, evolve
from storage.analytics.funnel import funnel, time_to_convert
from storage.analytics.metrics import key_figures
from storage.milestones import milestones
from storage.mongo import Mongo
from storage.store import Store
from tests.domain.samples import ANNA, NOON
from tests.storage.analytics.lives import MINUTE, STAGES, Change, Life, entries, kept, lives, scopes
from tests.storage.analytics.plain_ways import Happened, customers, ways, whose

careful = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
several = st.lists(lives(), min_size=4, max_size=8)
LATER = NOON + timedelta(days=9)
ENDS = {StepState.COMPLETED: "done", StepState.SKIPPED: "skipped", StepState.FAILED: "failed"}
promised = st.builds(
    lambda life, minutes: replace(
        life,
        template=replace(
            life.template,
            settings=replace(life.template.settings, sla_tracking=True, sla=minutes * MINUTE),
            steps=tuple(replace(each, sla=MINUTE / 2, max_duration=MINUTE) for each in life.template.steps),
        ),
    ),
    lives(),
    st.integers(1, 3),
)


def did(changes: Sequence[Change]) -> Iterator[str]:
    """What there is to count of a journey, seen from what each event changed in it."""
    journey: Journey | None = None
    for _, events in changes:
        for event in events:
            if isinstance(event, JourneyStarted):
                journey = begin("one", event, ANNA)
                yield from (f"stage:{event.stage.value}", "status:started")
                continue
            assert journey is not None
            before, journey = journey, evolve(journey, event)
            if isinstance(event, JourneyMigrated):
                yield f"migrated:{journey.template_id}/{journey.current_step}"
                continue
            yield from changed(before, journey)
            if isinstance(event, StepRetried):
                yield f"retried:{journey.template_id}/{event.step}"
            elif journey.status is not before.status:
                yield "status:resumed" if journey.status == "active" else f"status:{journey.status.value}"
            if isinstance(event, SlaBreached):
                place = f"/{event.step}" if event.scope == "step" else ""
                yield f"breached:{journey.template_id}{place}"


def changed(before: Journey, journey: Journey) -> Iterator[str]:
    """The stage, the visits that began, and the steps that were left."""
    if journey.stage is not before.stage:
        yield f"stage:{journey.stage.value}"
    for was, now in zip(before.steps, journey.steps, strict=True):
        place = f"{journey.template_id}/{now.id}"
        if now.visit > was.visit:
            yield f"step:{place}"
        if now != was and now.state in ENDS:
            yield f"{ENDS[now.state]}:{place}"


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(promised)
async def test_each_thing_that_a_journey_did_is_one_milestone(mongo: Mongo, life: Life) -> None:
    changes = life.changes("one", "tenant")
    found = milestones(entries(Store.of(mongo, lambda: NOON), changes))
    assert Counter(each["name"] for each in found) == Counter(did(changes))
    assert len({each["_id"] for each in found}) == len(found)
    assert {each["kind"] for each in found} == {each["name"].partition(":")[0] for each in found}
    last = changes[-1][0]
    assert {(each["journeyId"], each["tenantId"], each["templateId"]) for each in found} == {
        ("one", "tenant", last.template_id)
    }
    events = {event.at for _, events in changes for event in events}
    assert {each["at"] for each in found} <= events
    whom = {(journey.customer_id, journey.lead_id) for journey, _ in changes}
    assert {(each.get("customerId"), each.get("leadId")) for each in found} <= whom
    done = [each for each in found if each["kind"] == "done"]
    steps = [event for _, events in changes for event in events if isinstance(event, StepCompleted)]
    assert [each["automatic"] for each in done] == [event.automatic for event in steps]


@careful
@given(several, st.lists(scopes(), min_size=8, max_size=8), st.sampled_from(OpenJourneys))
async def test_what_runs_by_itself_is_what_the_events_say(
    mongo: Mongo, lived: list[Life], asked: list[dict[str, Any]], open_journeys: OpenJourneys
) -> None:
    tenant, told = await kept(mongo, lived)
    for each in asked:
        scope = Scope(tenant_id=tenant, **each | {"now": LATER})
        found = await key_figures(mongo, scope, open_journeys)
        meant = [changes for changes in told if scope.filter.matches(changes[-1][0].facets)]
        events = [event for changes in meant for _, events in changes for event in events]
        within = [event for event in events if scope.begins <= event.at < scope.ends]
        assert found.automation_rate == automation(within)
        assert found.completed == sum(isinstance(event, StepCompleted) for event in within)
        journeys = [changes[-1][0] for changes in meant]
        started = [journey for journey in journeys if scope.begins <= journey.created_at < scope.ends]
        assert found.journeys == metrics_of(started, (), open_journeys)


steps: st.SearchStrategy[Happening] = st.builds(StageEntered, st.sampled_from(STAGES)) | st.builds(
    StepEntered, st.sampled_from(("fibre", "old")), st.sampled_from("abc")
)
questions = st.builds(
    FunnelQuestion,
    steps=st.lists(steps, min_size=1, max_size=3).map(tuple),
    window=st.none() | st.integers(1, 4).map(lambda n: n * MINUTE),
    unit=st.sampled_from(UnitKind),
    order=st.sampled_from(OrderMode),
    exclusions=st.just(()) | st.lists(steps, max_size=1).map(tuple),
)


@careful
@given(several, st.lists(st.tuples(scopes(), questions), min_size=6, max_size=6))
async def test_a_funnel_of_what_the_log_tells_is_that_of_the_events(
    mongo: Mongo, lived: list[Life], asked: list[tuple[dict[str, Any], FunnelQuestion]]
) -> None:
    tenant, told = await kept(mongo, lived)
    for given_scope, question in asked:
        scope = Scope(tenant_id=tenant, **given_scope)
        units, plan = found_units(told, scope, question), question.plan(scope)
        found = await funnel(mongo, scope, question)
        assert found.steps == counted(units, plan, scope.now).steps
        assert all(
            one.reached >= other.reached for one, other in zip(found.steps, found.steps[1:], strict=False)
        )
        walks = [walk(each.moments, plan, scope.now) for each in units]
        assert await time_to_convert(mongo, scope, question) == times_of(walks, plan.steps)


def found_units(told: Sequence[Sequence[Change]], scope: Scope, question: FunnelQuestion) -> list[Unit]:
    own = question.unit is UnitKind.JOURNEY
    known = customers(told)
    meant = [changes[-1][0] for changes in told if scope.filter.matches(changes[-1][0].facets)]
    ended = {whose(each, known) for each in meant} - {
        whose(each, known) for each in meant if each.status.live
    }
    found = []
    for unit in ways(told, scope, question.unit):
        events = sorted((each for way in unit for each in way), key=lambda each: (each.at, order(each)))
        if own:
            over = any(isinstance(each.event, JourneyCompleted | JourneyAbandoned) for each in events)
        else:
            over = whose(events[0].journey, known) in ended
        found.append(Unit("", [*moments(events, question)], scope.now if over else None))
    return found


def order(each: Happened) -> str:
    return f"{each.journey.id}:{each.place[0]:05}:{each.place[1]:05}"


def moments(events: Iterable[Happened], question: FunnelQuestion) -> Iterator[Moment]:
    for each in events:
        entered = entry(each)
        if entered is None:
            continue
        numbers = frozenset(n for n, one in enumerate(question.steps, 1) if one == entered)
        between = question.order is OrderMode.STRICT and any(
            type(one) is type(entered) for one in question.steps
        )
        excluded = entered in question.exclusions
        if numbers or excluded or between:
            yield Moment(each.at, order(each), numbers, excluded)


def entry(each: Happened) -> Happening | None:
    """What the event enters: a stage, or a step, as an imported activity does."""
    template = each.journey.template_id
    match each.event:
        case JourneyStarted(stage=stage) | StageChanged(to_stage=stage):
            return StageEntered(stage)
        case Entered(step=step):
            return StepEntered(template, step)
        case StepCompleted(step=step) if each.place[0] == 1 and each.journey.origin == "import":
            return StepEntered(template, step)
        case _:
            return None
