"""What units did, found from their journeys' events by one loop after the other, never from milestones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.analytics.scope import Scope, UnitKind
from domain.journey import Journey
from domain.journey_events import CustomerLinked, JourneyEvent, JourneyStarted
from tests.storage.analytics.lives import Change


@dataclass(frozen=True)
class Happened:
    """An event of a journey: its place there, and the journey after the change that made it."""

    event: JourneyEvent
    place: tuple[int, int]
    journey: Journey

    @property
    def at(self) -> datetime:
        return self.event.at


def happened(changes: Sequence[Change]) -> list[Happened]:
    """All of a journey in the order of time, those of the same time in their own."""
    found = [
        Happened(event, (revision, n), journey)
        for revision, (journey, events) in enumerate(changes, 1)
        for n, event in enumerate(events)
    ]
    return sorted(found, key=lambda each: (each.at, each.place))


def ways(lived: Sequence[Sequence[Change]], scope: Scope, unit: UnitKind) -> list[list[list[Happened]]]:
    """For each unit what its journeys did since the range began, in the order of their ids."""
    found: dict[str, dict[str, list[Happened]]] = {}
    known = customers(lived)
    for changes in sorted(lived, key=lambda changes: changes[-1][0].id):
        journey = changes[-1][0]
        if not scope.filter.matches(journey.facets):
            continue
        for each in happened(changes):
            owner = journey.id if unit is UnitKind.JOURNEY else whose(each.journey, known)
            if owner is not None and scope.begins <= each.at <= scope.now:
                found.setdefault(owner, {}).setdefault(journey.id, []).append(each)
    return [[*journeys.values()] for journeys in found.values()]


def customers(lived: Sequence[Sequence[Change]]) -> dict[str, str]:
    """Which customer each lead is by now: the last word counts."""
    return {
        journey.lead_id: journey.customer_id
        for changes in lived
        for journey, events in changes
        if journey.lead_id and journey.customer_id
        if any(isinstance(each, JourneyStarted | CustomerLinked) for each in events)
    }


def whose(journey: Journey, known: Mapping[str, str]) -> str | None:
    customer = journey.customer_id or known.get(journey.lead_id or "")
    return f"c:{customer}" if customer else f"l:{journey.lead_id}" if journey.lead_id else None
