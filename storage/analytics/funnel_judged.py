"""Units whose events are judged here, by the conditions of the funnel: their moments as the domain walks them."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from domain.analytics.funnel import Unit
from domain.analytics.funnel_question import EventOccurred, FunnelQuestion, Happening
from domain.analytics.funnel_walk import Moment
from domain.analytics.scope import Scope
from domain.condition import unmet
from storage.analytics.funnel_units import (
    NO_MOMENTS,
    OWN_AREA,
    happenings,
    interrupts,
    name_of,
    units,
    what_interrupts,
)
from storage.analytics.scope import read_large
from storage.codec import Document
from storage.mongo import Mongo


@dataclass(frozen=True, slots=True)
class Judged:
    """A unit, and the journeys in which something of it happened, where they were asked for."""

    unit: Unit
    journeys: frozenset[str]


def judged_here(question: FunnelQuestion) -> bool:
    """Whether one event may match several steps, or only an event's data tells whether it matches one."""
    asked = happenings(question)
    events = [each for each in asked if isinstance(each, EventOccurred)]
    # A journey's own event may be a stage's or step's milestone too, and that is one moment.
    both = len(events) < len(asked) and any(each.type.startswith(OWN_AREA) for each in events)
    return both or any(each.conditions for each in events)


async def judged(
    mongo: Mongo, scope: Scope, question: FunnelQuestion, *, journeys: bool = False
) -> AsyncIterator[Judged]:
    """The units one by one; memory holds a few of them."""
    plan = question.plan(scope)
    between = what_interrupts(question)
    async for row in read_large(mongo, units(scope, question, journeys=journeys)):
        told = [each for each in row["moments"] if each["n"] not in NO_MOMENTS]
        moments, values = [], []
        seen: set[str] = set()
        for _, same in groupby(told, key=lambda each: each["k"]):
            rows = [*same]
            moment, value = _moment(rows, question)
            if not (moment.steps or moment.excluded or any(interrupts(each["n"], between) for each in rows)):
                continue
            moments.append(moment)
            values.append(value)
            seen.update(each["j"] for each in rows if each.get("j") is not None)
        entered = (n for n, each in enumerate(moments) if 1 in each.steps and plan.may_enter(each.at))
        anchor = next(entered, None)
        unit = Unit(
            id=row["_id"],
            moments=moments,
            ended_at=scope.now if row["ended"] else None,
            breakdown=None if anchor is None else values[anchor],
        )
        yield Judged(unit, frozenset(seen))


def _moment(same: list[Document], question: FunnelQuestion) -> tuple[Moment, Any]:
    """One event, told by one row or several, and the breakdown's value."""

    def matches(asked: Iterable[Happening]) -> list[int]:
        return [n for n, each in enumerate(asked, 1) if any(_matches(row, each) for row in same)]

    first = same[0]
    moment = Moment(
        at=first["t"],
        order=first["k"],
        steps=frozenset(matches(question.steps)),
        excluded=bool(matches(question.exclusions)),
    )
    return moment, next((row["b"] for row in same if row.get("b") is not None), None)


def _matches(row: Document, asked: Happening) -> bool:
    if row["n"] != name_of(asked):
        return False
    if not isinstance(asked, EventOccurred) or not asked.conditions:
        return True
    return not unmet(asked.conditions, {**(row.get("d") or {}), "type": asked.type})
