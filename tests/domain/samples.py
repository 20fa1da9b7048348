"""Small templates and journeys to try things on."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

from domain import walk
from domain.events import StepState
from domain.identity import Actor, ActorKind
from domain.journey import Journey
from domain.journey_events import JourneyEvent, JourneyStarted
from domain.journey_fold import begin, evolve
from domain.template import Category, Definition, Settings, Stage, Step, StepType
from domain.walk import Start

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ANNA = Actor(ActorKind.USER, "anna")


def later(**length: float) -> datetime:
    return NOON + timedelta(**length)


def step(id: str, order: int = 1, **rest: Any) -> Step:
    return Step(id=id, name=id.title(), stage=rest.pop("stage", Stage.LEAD), order=order, **rest)


def definition(*steps: Step | str, settings: Settings | None = None, **rest: Any) -> Definition:
    """A template of these steps in the order given; a text is a manual step."""
    made = tuple(step(each, n) if isinstance(each, str) else each for n, each in enumerate(steps, 1))
    return Definition(
        template_id=rest.pop("template_id", "sample"),
        name="Sample",
        category=Category.CUSTOM,
        steps=made,
        settings=settings or Settings(),
        **rest,
    )


def automated(count: int, *, auto_progress: bool = True) -> Definition:
    """A template of so many steps that need nobody."""
    steps = [step(f"s{n}", n, type=StepType.AUTOMATED) for n in range(1, count + 1)]
    return definition(*steps, settings=Settings(auto_progress=auto_progress))


def events_of_start(template: Definition, **start: Any) -> list[JourneyEvent]:
    return walk.start("jrn_1", template, 1, Start(**start), tenant_id="t", by=ANNA, at=NOON)


def started(template: Definition, **start: Any) -> Journey:
    return told(events_of_start(template, **start))


def told(events: Sequence[JourneyEvent]) -> Journey:
    """The journey that a whole history leads to."""
    first = events[0]
    assert isinstance(first, JourneyStarted)
    return after(begin("jrn_1", first, ANNA), events[1:])


def after(journey: Journey, events: Iterable[JourneyEvent]) -> Journey:
    return reduce(evolve, events, journey)


def types(events: Iterable[JourneyEvent]) -> list[str]:
    return [event.type.removeprefix("journey:") for event in events]


def states(journey: Journey) -> dict[str, StepState]:
    return {visit.id: visit.state for visit in journey.steps}
