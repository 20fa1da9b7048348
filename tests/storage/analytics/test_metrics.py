"""Key figures and figures of handoffs through the database agree with the pure algorithms on the same journeys."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.analytics.handoff_metrics import handoff_metrics as plain_handoffs
from domain.analytics.metrics import KeyFigures, OpenJourneys, automation_rate, metrics_of
from domain.analytics.scope import Scope
from domain.events import HandoffStatus
from domain.handoff import Attempt, Handoff
from domain.journey import Journey, Status
from domain.journey_filter import JourneyFilter, TimeRange
from storage.analytics.handoff_metrics import handoff_metrics
from storage.analytics.metrics import key_figures
from storage.codec import Document, dump
from storage.handoffs import keys as handoff_keys
from storage.journeys import JOURNEY
from storage.milestones import MILESTONES
from storage.mongo import Mongo
from tests.domain.handed import created
from tests.domain.samples import NOON, definition, started

careful = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

PLAIN = started(definition("a"))
ENDED = (Status.COMPLETED, Status.ABANDONED)
OVER = tuple(status for status in HandoffStatus if not status.open)
moments = st.integers(0, 40).map(lambda hours: NOON + timedelta(hours=hours))
lengths = st.integers(0, 10**7).map(lambda ms: timedelta(milliseconds=ms))
ranges = st.none() | st.lists(moments, min_size=2, max_size=2, unique=True).map(sorted)


@dataclass(frozen=True)
class Done:
    """A completed step."""

    at: datetime
    automatic: bool
    journey: int


@dataclass(frozen=True)
class World:
    journeys: list[Journey]
    converted: list[int]
    steps: list[Done]
    handoffs: list[Handoff]


@st.composite
def journeys(draw: st.DrawFn) -> Journey:
    status, at = draw(st.sampled_from(Status)), draw(moments)
    last = at + draw(lengths)
    return replace(
        PLAIN,
        status=status,
        created_at=at,
        last_activity=last,
        ended_at=last if status in ENDED else None,
        template_id=draw(st.sampled_from(("fibre", "cable"))),
        assigned_to=draw(st.sampled_from(("anna", "bert", None))),
    )


@st.composite
def handoffs(draw: st.DrawFn) -> Handoff:
    status, at = draw(st.sampled_from(HandoffStatus)), draw(moments)
    tries = draw(st.integers(0, 3))
    return replace(
        created(),
        status=status,
        to_package=draw(st.sampled_from(("crm", "field-ops"))),
        action=draw(st.sampled_from((None, "book", "cancel"))),
        attempts=tuple(Attempt(round=1, number=n, started_at=at) for n in range(tries)),
        created_at=at,
        ended_at=at + draw(lengths) if status in OVER else None,
        journey_id=draw(st.sampled_from((None, "0", "1", "2"))),
    )


worlds = st.builds(
    World,
    st.lists(journeys(), max_size=12),
    st.lists(st.integers(0, 11), max_size=6),
    st.lists(st.builds(Done, moments, st.booleans(), st.integers(0, 11)), max_size=15),
    st.lists(handoffs(), max_size=12),
)


def named(world: World, tenant: str) -> World:
    """The same with ids of the tenant's own, and without what belongs to no journey of it."""
    n = len(world.journeys)
    return World(
        [replace(each, id=f"{tenant}{i:02}", tenant_id=tenant) for i, each in enumerate(world.journeys)],
        [each for each in world.converted if each < n],
        [each for each in world.steps if each.journey < n],
        [
            replace(each, id=f"{tenant}{i:02}", tenant_id=tenant, journey_id=_journey(each, tenant, n))
            for i, each in enumerate(world.handoffs)
        ],
    )


def _journey(handoff: Handoff, tenant: str, n: int) -> str | None:
    given = handoff.journey_id
    return None if given is None or int(given) >= n else f"{tenant}{int(given):02}"


async def keep(mongo: Mongo, world: World, tenant: str) -> World:
    known = named(world, tenant)
    documents: dict[str, list[Document]] = {
        "journeys": [_document(JOURNEY.pack(dump(each)) | JOURNEY.keys(each)) for each in known.journeys],
        "handoffs": [_document(dump(each) | handoff_keys(each)) for each in known.handoffs],
        "conversions": [
            {
                "_id": f"{tenant}{i}",
                "tenantId": tenant,
                "journeyId": known.journeys[n].id,
                "timeKey": f"2026|{i}",
            }
            for i, n in enumerate(known.converted)
        ],
        MILESTONES: [
            {
                "_id": f"{tenant}{i}",
                "tenantId": tenant,
                "kind": "done",
                "name": "done:x",
                "journeyId": known.journeys[each.journey].id,
                "templateId": known.journeys[each.journey].template_id,
                "automatic": each.automatic,
                "timeKey": f"{each.at:%Y-%m-%dT%H:%M:%S.000Z}|{i}",
            }
            for i, each in enumerate(known.steps)
        ],
    }
    for name, made in documents.items():
        if made:
            await mongo[name].insert_many(made)
    return known


def _document(fields: Document) -> Document:
    fields["_id"] = fields.pop("id")
    return {name: each for name, each in fields.items() if each is not None}


@dataclass(frozen=True)
class Asked:
    """A scope, and what it means to one who looks at each object."""

    scope: Scope

    def in_range(self, at: datetime) -> bool:
        return self.scope.begins <= at < self.scope.ends

    def meant(self, journey: Journey | None) -> bool:
        if self.scope.filter == JourneyFilter():
            return True
        return journey is not None and self.scope.filter.matches(journey.facets)


spans = st.builds(TimeRange, since=st.none() | moments, until=st.none() | moments)
filters = st.builds(
    JourneyFilter,
    template_id=st.sampled_from((None, None, "fibre")),
    assigned_to=st.sampled_from((None, None, "anna")),
    # A span without an end means nothing, and so does not ask for a journey.
    created_at=st.none() | spans.filter(lambda span: span != TimeRange()),
)


async def both(mongo: Mongo, world: World, **scope: Any) -> tuple[World, Asked]:
    """The world as a tenant's, beside another tenant with just the same."""
    tenant = f"t{uuid4().hex[:12]}"
    await keep(mongo, world, f"u{tenant}")
    since, until = scope.pop("span") or (None, None)
    known = await keep(mongo, world, tenant)
    return known, Asked(
        Scope(tenant_id=tenant, now=NOON + timedelta(days=9), since=since, until=until, **scope)
    )


@careful
@given(worlds, ranges, filters, st.sampled_from(OpenJourneys))
async def test_key_figures_are_those_of_the_journeys_steps_and_handoffs_themselves(
    mongo: Mongo, world: World, span: Any, filter: JourneyFilter, open_journeys: OpenJourneys
) -> None:
    known, asked = await both(mongo, world, span=span, filter=filter)
    found: KeyFigures = await key_figures(mongo, asked.scope, open_journeys)
    meant = [each for each in known.journeys if asked.meant(each) and asked.in_range(each.created_at)]
    converted = {known.journeys[n].id for n in known.converted}
    assert found.journeys == metrics_of(meant, converted, open_journeys)
    assert len(found.lengths) == found.journeys.duration.count
    assert list(found.lengths) == sorted(found.lengths)
    steps = [
        each for each in known.steps if asked.in_range(each.at) and asked.meant(known.journeys[each.journey])
    ]
    assert (found.completed, found.automatic) == (len(steps), sum(each.automatic for each in steps))
    assert found.automation_rate == automation_rate(found.automatic, found.completed)
    counted = plain_handoffs(_meant_handoffs(known, asked)).total
    assert (found.handoffs, found.handoff_success) == (counted.counts, counted.success)


def _meant_handoffs(known: World, asked: Asked) -> list[Handoff]:
    of = {each.id: each for each in known.journeys}
    return [
        each
        for each in known.handoffs
        if asked.in_range(each.created_at) and asked.meant(of.get(each.journey_id or ""))
    ]


@careful
@given(worlds, ranges, filters)
async def test_figures_of_handoffs_are_those_of_the_handoffs_themselves(
    mongo: Mongo, world: World, span: Any, filter: JourneyFilter
) -> None:
    known, asked = await both(mongo, world, span=span, filter=filter)
    found = await handoff_metrics(mongo, asked.scope)
    assert found == plain_handoffs(_meant_handoffs(known, asked))
