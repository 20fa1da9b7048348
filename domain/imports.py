"""Imported history: a case of another system's log as the events of one journey.

The order is the file's, whatever its times say; an activity that comes again is a new visit of its step. A case is
completed if its last event closes it, else it stays active. Nothing follows from imported history: see Origin.
"""

import json
from collections import Counter
from collections.abc import Mapping as Columns
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NoReturn, Protocol

from domain.errors import InvalidInput
from domain.events import Origin, Priority
from domain.identity import Actor, ActorKind
from domain.journey_events import (
    JourneyCompleted,
    JourneyEvent,
    JourneyStarted,
    StageChanged,
    StepCompleted,
)
from domain.mapping import MappedStep, Mapping
from domain.record_events import ImportCompleted
from domain.template import Definition, Reentry, Settings, Step
from domain.values import Json, JsonObject, timestamp
from domain.walk import check_size

LONGEST_NAME: Final = 200  # characters


class Occurrence(Protocol):
    """One event of a case, as a log tells it."""

    @property
    def activity(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def actor(self) -> str | None: ...
    @property
    def attributes(self) -> Columns[str, Json]: ...


@dataclass(frozen=True, slots=True)
class Past:
    """A case as a journey: its events, and a text that differs where the case is told differently."""

    template_id: str
    case: str
    events: tuple[JourneyEvent, ...]
    text: str

    @property
    def steps(self) -> int:
        return sum(isinstance(event, StepCompleted) for event in self.events)


def definition(mapping: Mapping) -> Definition:
    """The template that the journeys of an import follow: manual steps, no triggers, no re-entry rule."""
    return Definition(
        template_id=mapping.template_id,
        name=mapping.template_name[:LONGEST_NAME],
        category=mapping.category,
        steps=tuple(
            Step(id=step.id, name=step.name[:LONGEST_NAME], stage=step.stage, order=step.order)
            for step in sorted(mapping.steps, key=lambda step: step.order)
        ),
        settings=Settings(reentry=Reentry.ANY_TIME),
        tags=("imported",),
    )


@dataclass(frozen=True, slots=True)
class Narrator:
    """Tells cases as a mapping says."""

    mapping: Mapping
    tenant_id: str
    _steps: dict[str, MappedStep] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_steps", {step.activity: step for step in self.mapping.steps})

    def knows(self, activity: str) -> bool:
        """Whether the activity is a step; one that is not has no place in a journey."""
        return activity in self._steps

    def tell(
        self, case: str, occurrences: Sequence[Occurrence], attributes: Columns[str, Json], version: int
    ) -> Past:
        """The journey that a case is: at least one event, all of known activities.

        Raises InvalidInput or TooLarge for a case that no journey can hold.
        """
        data = [self._data(each.attributes) for each in occurrences]
        context = self._data(attributes)
        for each in data:
            context |= each
        everything = [attributes, *(each.attributes for each in occurrences)]
        customer = _last(everything, self.mapping.customer)
        lead = _last(everything, self.mapping.lead)
        text = self._text(case, occurrences, data, (context, customer, lead))
        check_size(len(json.dumps(context, ensure_ascii=False).encode()))
        started = JourneyStarted(
            at=occurrences[0].at,
            by=_actor(occurrences[0].actor),
            tenant_id=self.tenant_id,
            template_id=self.mapping.template_id,
            template_version=version,
            name=f"{self.mapping.template_name} {case}"[:LONGEST_NAME],
            category=self.mapping.category,
            stage=self._steps[occurrences[0].activity].stage,
            priority=Priority.MEDIUM,
            customer_id=customer,
            lead_id=lead,
            reentry=Reentry.ANY_TIME,
            context=context,
            steps=tuple(step.id for step in sorted(self.mapping.steps, key=lambda step: step.order)),
            origin=Origin.IMPORT,
        )
        return Past(self.mapping.template_id, case, (started, *self._walked(occurrences, data)), text)

    def _walked(self, occurrences: Sequence[Occurrence], data: Sequence[JsonObject]) -> list[JourneyEvent]:
        events: list[JourneyEvent] = []
        visits: Counter[str] = Counter()
        stage = self._steps[occurrences[0].activity].stage
        for each, more in zip(occurrences, data, strict=True):
            step, by = self._steps[each.activity], _actor(each.actor)
            if step.stage is not stage:
                events.append(StageChanged(at=each.at, by=by, from_stage=stage, to_stage=step.stage))
                stage = step.stage
            visits[step.id] += 1
            events.append(
                StepCompleted(
                    at=each.at, by=by, step=step.id, visit=visits[step.id], activity=each.activity, data=more
                )
            )
        last = occurrences[-1]
        if last.activity in self.mapping.closing:
            events.append(JourneyCompleted(at=last.at, by=_actor(last.actor)))
        return events

    def _data(self, attributes: Columns[str, Json]) -> JsonObject:
        """The columns that the mapping keeps, by their keys in the context."""
        keys = self.mapping.context
        return {keys[name]: value for name, value in attributes.items() if name in keys and value is not None}

    def _text(
        self, case: str, occurrences: Sequence[Occurrence], data: Sequence[JsonObject], whole: object
    ) -> str:
        told = [
            (timestamp(each.at), each.actor, step.id, step.stage.value, each.activity, more)
            for each, more in zip(occurrences, data, strict=True)
            for step in [self._steps[each.activity]]
        ]
        closed = occurrences[-1].activity in self.mapping.closing
        return json.dumps((case, told, whole, closed), sort_keys=True, ensure_ascii=False)


def _actor(name: str | None) -> Actor | None:
    return None if name is None else Actor(ActorKind.IMPORT, name)


def _last(told: Sequence[Columns[str, Json]], column: str | None) -> str | None:
    """The last value of a column that names somebody. Raises InvalidInput for one that no id is as long as."""
    if column is None:
        return None
    values = [str(each[column]) for each in told if each.get(column) not in (None, "")]
    if values and len(values[-1]) > LONGEST_NAME:
        raise InvalidInput(f"The value of {column} is longer than the {LONGEST_NAME} characters of an id.")
    return values[-1] if values else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """A file that was imported: the event that says so is all there is to it."""

    id: str
    tenant_id: str
    revision: int = 0
    completed: ImportCompleted
    completed_by: Actor


def begin(id: str, event: ImportCompleted, by: Actor) -> Import:
    return Import(id=id, tenant_id=event.tenant_id, completed=event, completed_by=event.by or by)


def evolve(_: Import, __: ImportCompleted) -> NoReturn:
    raise TypeError("an import is completed once")
