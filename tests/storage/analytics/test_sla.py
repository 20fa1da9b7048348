"""Promises read from the database are those of the journeys' events, whatever happened to them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import promise, walk
from domain.analytics.scope import Scope
from domain.analytics.sla import SlaTally, promises
from domain.errors import DomainError
from domain.journey import Journey
from domain.journey_events import JourneyEvent
from domain.journey_filter import JourneyFilter
from domain.template import Definition
from domain.walk import Start
from storage.analytics.sla import sla
from storage.codec import Document
from storage.journeys import JOURNEY
from storage.milestones import MILESTONES, milestones
from storage.mongo import Mongo
from storage.store import Store
from tests.domain.samples import ANNA, NOON, after, told
from tests.domain.strategies import Move, Subject, definitions, moves
from tests.storage.subjects import cause

careful = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

Change = tuple[Journey, list[JourneyEvent]]  # the journey after it


@st.composite
def histories(draw: st.DrawFn) -> tuple[Definition, list[Move], timedelta]:
    """A template with promises, and what is tried with its journey, begun this much after noon."""
    made = draw(definitions())
    minutes = st.none() | st.integers(1, 4).map(lambda n: timedelta(minutes=n / 2))
    steps = tuple(replace(each, sla=draw(minutes)) for each in made.steps)
    tracked = replace(
        made.settings, sla_tracking=draw(st.sampled_from((True, True, False))), sla=draw(minutes)
    )
    name = draw(st.sampled_from(("fibre", "cable")))
    begin = timedelta(minutes=draw(st.integers(0, 5)))
    return (
        replace(made, steps=steps, settings=tracked, template_id=name),
        draw(st.lists(moves(), max_size=20)),
        begin,
    )


def lived(
    id: str, template: Definition, tried: Sequence[Move], begin: timedelta, tenant: str
) -> list[Change]:
    """The changes of a journey, as the service makes them: what is broken is told first."""
    at = NOON + begin
    events = walk.start(id, template, 1, Start(), tenant_id=tenant, by=ANNA, at=at)
    subject = Subject(replace(told(events), id=id), template, at)
    changes = [(subject.journey, events)]
    for move in tried:
        subject = replace(subject, at=subject.at + move.wait)
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


async def keep(mongo: Mongo, lives: Sequence[list[Change]], tenant: str) -> None:
    """What the service would have written of them."""
    store = Store.of(mongo, lambda: NOON)
    documents: list[Document] = []
    for changes in lives:
        before = None
        for revision, (journey, events) in enumerate(changes, 1):
            now = replace(journey, revision=revision, tenant_id=tenant)
            entries = store.changes._entries(JOURNEY, before, now, events, cause())
            documents += milestones(entries)
            before = now
    journeys = [
        {"_id": changes[-1][0].id, "tenantId": tenant, "priority": changes[-1][0].priority.value}
        for changes in lives
    ]
    for name, made in ((MILESTONES, documents), ("journeys", journeys)):
        if made:
            await mongo[name].insert_many(made)


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
    drawn: list[tuple[Definition, list[Move], timedelta]],
    minutes: int,
    span: tuple[int, int] | None,
    template: str | None,
    priority: Any,
) -> None:
    tenant = f"t{uuid4().hex[:12]}"
    lives = [lived(f"{tenant}{n}", *each, tenant) for n, each in enumerate(drawn)]
    others = [lived(f"u{tenant}{n}", *each, f"u{tenant}") for n, each in enumerate(drawn)]
    await keep(mongo, lives, tenant)
    await keep(mongo, others, f"u{tenant}")
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
