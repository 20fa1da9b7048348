"""Journeys as the domain's commands walk them and as imports tell them, and what the service keeps of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from hypothesis import strategies as st

from domain import handback, promise, steer, walk
from domain.errors import DomainError
from domain.events import HandoffStatus
from domain.imports import Narrator
from domain.imports import definition as template_of
from domain.journey import Journey
from domain.journey_events import JourneyEvent
from domain.journey_filter import JourneyFilter, TimeRange
from domain.mapping import MappedStep
from domain.mapping import Mapping as Mapped
from domain.template import Definition, Stage
from domain.values import Json
from domain.walk import Start
from storage.codec import Document, dump
from storage.journeys import JOURNEY
from storage.mongo import Mongo
from storage.store import Store
from tests.domain.samples import ANNA, NOON, after, told
from tests.domain.strategies import Move, Subject, definitions, moves
from tests.storage.analytics.records import PEOPLE
from tests.storage.subjects import cause

Change = tuple[Journey, list[JourneyEvent]]  # the journey after it
MINUTE = timedelta(minutes=1)
TICK = MINUTE / 3
STAGES = (Stage.LEAD, Stage.QUALIFIED, Stage.CUSTOMER, Stage.RENEWAL)
ACTIVITIES = ("Open", "Work", "Sell", "Close")
MAPPING = Mapped(
    template_id="old",
    customer="customer",
    lead="lead",
    steps=tuple(
        MappedStep(activity=each, id="abcd"[n], name=each, stage=STAGES[n % 3], order=n)
        for n, each in enumerate(ACTIVITIES)
    ),
    closing=("Close",),
)


@dataclass(frozen=True)
class Seen:
    """What another system's log tells of a case."""

    activity: str
    at: datetime
    actor: str | None = None
    attributes: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Life:
    """A journey: of a template or, where there are activities, imported; and what is tried with it then."""

    template: Definition
    person: tuple[str | None, str | None]
    begin: timedelta
    tried: tuple[Move, ...]
    activities: tuple[tuple[str, int], ...] = ()  # and the minutes from the begin, in any order

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """How Hypothesis tells of it: a template's every field is more than it prints."""
        steps = [f"{each.id} {each.type} in {each.stage}" for each in self.template.steps]
        told = self.activities or steps
        printer.text(f"Life({self.template.template_id}, {told}, {self.person}, {self.begin}, {self.tried})")

    def changes(self, id: str, tenant: str, *, epoch: datetime = NOON, pace: int = 1) -> list[Change]:
        """What happened. A wait takes `pace` times as long as it says."""
        begin = epoch + pace * self.begin
        if not self.activities:
            request = Start(customer_id=self.person[0], lead_id=self.person[1])
            return lived(id, self.template, self.tried, begin, tenant, request=request, pace=pace)
        who = {name: each for name, each in zip(("customer", "lead"), self.person, strict=True) if each}
        seen = [Seen(name, begin + pace * minutes * MINUTE) for name, minutes in self.activities]
        past = list(Narrator(MAPPING, tenant).tell(id, seen, who, 1).events)
        first = replace(told(past), id=id)
        at = max(each.at for each in seen)
        return [(first, past), *_tried(Subject(first, template_of(MAPPING), at), self.tried, pace)]


def lived(
    id: str,
    template: Definition,
    tried: Sequence[Move],
    at: datetime,
    tenant: str,
    *,
    request: Start | None = None,
    pace: int = 1,
) -> list[Change]:
    """The changes of a journey that is started, as the service makes them."""
    events = walk.start(id, template, 1, request or Start(), tenant_id=tenant, by=ANNA, at=at)
    first = replace(told(events), id=id)
    return [(first, events), *_tried(Subject(first, template, at), tried, pace)]


def _tried(subject: Subject, moves: Sequence[Move], pace: int) -> list[Change]:
    """What is broken is told first; what is refused changes nothing."""
    changes = []
    for move in moves:
        subject = replace(subject, at=subject.at + pace * move.wait)
        broken = promise.broken(subject.journey, at=subject.at)
        warned = replace(subject, journey=after(subject.journey, broken))
        try:
            events = [*broken, *move.command(warned)]
        except DomainError:
            continue
        if not events:
            continue
        subject = replace(move.arrived(subject), journey=after(subject.journey, events))
        changes.append((subject.journey, events))
    return changes


def _broken(subject: Subject) -> list[JourneyEvent]:
    """What the step waits for failed."""
    journey, awaited = subject.journey, subject.journey.awaited
    return handback.hand_back(
        journey,
        subject.definition,
        id=awaited.id if awaited else "",
        status=HandoffStatus.FAILED,
        output={},
        at=subject.at,
    )


turns = st.sampled_from(  # that seldom come by chance
    (
        Move("advance", lambda s: walk.advance(s.journey, s.definition, at=s.at), TICK),
        Move("fail", lambda s: walk.fail(s.journey, reason="why", at=s.at), 0 * TICK),
        Move("time out", lambda s: walk.time_out(s.journey, at=s.at), 3 * TICK),
        Move("break", _broken, TICK),
        Move("retry", lambda s: walk.retry(s.journey, s.definition, at=s.at), 0 * TICK),
        Move("abandon", lambda s: steer.abandon(s.journey, reason="why", at=s.at), TICK),
    )
)


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """Whatever may be, in so few moments that much happens at the same time."""
    made = draw(definitions())
    stages = st.sampled_from(STAGES)
    steps = tuple(replace(each, stage=draw(stages)) for each in made.steps)
    template = replace(made, steps=steps, template_id=draw(st.sampled_from(("fibre", "cable"))))
    activity = st.tuples(st.sampled_from(ACTIVITIES), st.integers(0, 4))
    return Life(
        template,
        draw(st.sampled_from(PEOPLE)),
        draw(st.integers(0, 5)) * MINUTE,
        tuple(
            replace(each, wait=each.wait // TICK * TICK)
            for each in draw(st.lists(moves() | moves() | turns, max_size=12))
        ),
        tuple(draw(st.just([]) | st.just([]) | st.lists(activity, min_size=1, max_size=5))),
    )


@st.composite
def scopes(draw: st.DrawFn, epoch: datetime = NOON, unit: timedelta = MINUTE) -> dict[str, Any]:
    """Of a report: ranges in these units of time from the epoch on, and filters, also of the journeys' own times."""
    times = st.integers(0, 9).map(lambda n: epoch + n * unit)
    since, length = draw(st.none() | times), draw(st.none() | st.integers(1, 8))
    spans = st.builds(TimeRange, since=times, until=st.none() | times)
    filter = st.builds(
        JourneyFilter,
        template_id=st.sampled_from((None, None, "fibre", "old")),
        status=st.sampled_from((None, None, ("active", "completed"), ("failed", "abandoned"))),
        customer_id=st.sampled_from((None, None, None, "c1", "c-1")),
        created_at=st.none() | spans,
        last_activity=st.none() | st.none() | spans,
    )
    return {
        "now": epoch + draw(st.integers(3, 20)) * unit,
        "since": since,
        "until": None if length is None else (since or epoch) + length * unit,
        "filter": draw(st.just(JourneyFilter()) | filter),
    }


def entries(store: Store, changes: Sequence[Change]) -> list[Document]:
    """What the log would hold of a journey."""
    found: list[Document] = []
    before = None
    for revision, (journey, events) in enumerate(changes, 1):
        now = replace(journey, revision=revision)
        found += store.changes._entries(JOURNEY, before, now, events, cause())
        before = now
    return found


async def keep(mongo: Mongo, lived: Iterable[Sequence[Change]]) -> None:
    """What the service would have written of these journeys for its reports."""
    store = Store.of(mongo, lambda: NOON)
    logged, journeys = [], []
    for changes in lived:
        logged += entries(store, changes)
        journeys.append(document(changes[-1][0]))
    await store.events.milestones.add(logged)
    if journeys:
        await mongo["journeys"].insert_many(journeys)


async def kept(mongo: Mongo, lived: Sequence[Life], **more: Any) -> tuple[str, list[list[Change]]]:
    """A tenant in which this happened, beside another one in which just the same did."""
    tenant = f"t{uuid4().hex[:12]}"
    ours, theirs = (
        [each.changes(f"{name}{n}", name, **more) for n, each in enumerate(lived)]
        for name in (tenant, f"u{tenant}")
    )
    await keep(mongo, [*theirs, *ours])
    return tenant, ours


def document(journey: Journey) -> Document:
    """Of a journey that holds nothing and waits for nothing, so that many may be alike."""
    fields = JOURNEY.pack(dump(journey)) | JOURNEY.keys(journey)
    fields["_id"] = fields.pop("id")
    return {
        name: each
        for name, each in fields.items()
        if each is not None and name not in ("reservation", "wakeAt")
    }
