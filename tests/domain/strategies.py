"""Whatever JSON, conditions, templates and commands there may be."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from hypothesis import strategies as st

from domain import handback, steer, walk
from domain.action import Action, ActionKind
from domain.condition import Condition, Operator, ValueType
from domain.events import HandoffStatus, Priority
from domain.journey import Journey
from domain.journey_events import JourneyEvent
from domain.template import Category, Child, Definition, Settings, Stage, Step, StepType
from domain.values import Json, JsonObject

numbers = st.integers() | st.floats(allow_nan=False)
json: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=8) | st.datetimes().map(datetime.isoformat),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)

T = TypeVar("T")

# Few names and few values, so that what is asked for is often there.
KEYS = ("x", "y", "z")
ENDS = tuple(status for status in HandoffStatus if not status.open)
STEP_IDS = ("a", "b", "c", "d", "e", "f")
NOTE = Action(kind=ActionKind.UPDATE_CONTEXT, params={"context": {"x": 1}})
few_values: st.SearchStrategy[Json] = st.sampled_from((True, 0, 1, "1", "big"))
contexts: st.SearchStrategy[JsonObject] = st.dictionaries(
    st.sampled_from(KEYS), st.none() | few_values, max_size=3
)
few_conditions = st.builds(
    Condition,
    st.sampled_from(KEYS),
    st.sampled_from((Operator.EXISTS, Operator.NOT_EXISTS, Operator.EQUALS, Operator.GREATER_THAN)),
    few_values,
    st.none() | st.sampled_from(ValueType),
)


def sometimes(values: st.SearchStrategy[T]) -> st.SearchStrategy[tuple[T, ...]]:
    """Mostly none, else one or two."""
    none: st.SearchStrategy[tuple[T, ...]] = st.just(())
    return none | none | st.lists(values, max_size=2).map(tuple)


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    """A valid template: its steps depend on earlier ones only."""
    ids = draw(st.lists(st.sampled_from(STEP_IDS), min_size=1, max_size=len(STEP_IDS), unique=True))
    types = [draw(st.sampled_from((StepType.MANUAL, StepType.INTEGRATION, *StepType))) for _ in ids]
    steps = tuple(
        Step(
            id=name,
            name=name,
            stage=draw(st.sampled_from((Stage.LEAD, Stage.CUSTOMER))),
            order=n,
            type=types[n],
            package="crm",
            action=None
            if types[n] is StepType.AUTOMATED
            else draw(st.sampled_from(("convert", "convert", None))),
            performs=draw(st.sampled_from((NOTE, None))) if types[n] is StepType.AUTOMATED else None,
            child=Child(template_id="child") if types[n] is StepType.WORKFLOW else None,
            output_data=draw(sometimes(st.sampled_from(KEYS))),
            estimated_minutes=draw(st.integers(0, 60)),
            max_duration=draw(st.none() | st.integers(1, 120_000).map(lambda ms: timedelta(milliseconds=ms))),
            entry_conditions=draw(sometimes(few_conditions)),
            exit_conditions=draw(sometimes(few_conditions)),
            required_data=draw(sometimes(st.sampled_from(KEYS))),
            dependencies=draw(sometimes(st.sampled_from(ids[:n]))) if n else (),
        )
        for n, name in enumerate(ids)
    )
    settings = Settings(
        auto_progress=draw(st.booleans()),
        allow_skip_steps=draw(st.sampled_from((True, True, False))),
        notifications_enabled=draw(st.booleans()),
    )
    return Definition(
        template_id="random",
        name="Random",
        category=Category.CUSTOM,
        steps=steps,
        settings=settings,
        default_context=draw(contexts),
    )


@dataclass(frozen=True)
class Subject:
    """A journey on its way, with the template it follows and the time it is."""

    journey: Journey
    definition: Definition
    at: datetime


Command = Callable[[Subject], list[JourneyEvent]]


@dataclass(frozen=True)
class Move:
    """A command with its arguments, and the time that passes before it."""

    name: str
    command: Command
    wait: timedelta
    target: Definition | None = None  # of a migration

    def __repr__(self) -> str:
        return f"{self.name} after {self.wait}"

    def arrived(self, subject: Subject) -> Subject:
        """The subject once the command was carried out: a migrated journey follows another template."""
        return subject if self.target is None else replace(subject, definition=self.target)


_steps = st.sampled_from(STEP_IDS)
_reasons = st.sampled_from(("why", " "))


@st.composite
def moves(draw: st.DrawFn) -> Move:
    wait = timedelta(milliseconds=draw(st.integers(0, 60_000)))
    name = draw(st.sampled_from(_OFTEN))
    if name == "migrate":
        target, version = draw(definitions()), draw(st.integers(1, 3))
        renamed = draw(st.dictionaries(_steps, _steps, max_size=3))
        return Move(
            name,
            lambda s: steer.migrate(s.journey, target, version, step_map=renamed, at=s.at),
            wait,
            target,
        )
    return Move(name, draw(_COMMANDS[name]), wait)


def _command(
    make: Callable[..., Command], *arguments: st.SearchStrategy[object]
) -> st.SearchStrategy[Command]:
    return st.builds(make, *arguments)


_COMMANDS: dict[str, st.SearchStrategy[Command]] = {
    "advance": _command(
        lambda to: lambda s: walk.advance(s.journey, s.definition, at=s.at, to=to),
        st.none() | st.none() | _steps,
    ),
    "skip": _command(
        lambda step, reason: lambda s: walk.skip(s.journey, s.definition, step=step, reason=reason, at=s.at),
        _steps,
        _reasons,
    ),
    "skip the current": _command(
        lambda reason: (
            lambda s: walk.skip(s.journey, s.definition, step=s.journey.current_step, reason=reason, at=s.at)
        ),
        _reasons,
    ),
    "retry": st.just(lambda s: walk.retry(s.journey, s.definition, at=s.at)),
    "fail": _command(lambda reason: lambda s: walk.fail(s.journey, reason=reason, at=s.at), _reasons),
    "time out": st.just(lambda s: walk.time_out(s.journey, at=s.at)),
    "go on": st.just(lambda s: walk.go_on(s.journey, s.definition, at=s.at)),
    "pause": st.just(lambda s: steer.pause(s.journey, at=s.at)),
    "resume": st.just(lambda s: steer.resume(s.journey, s.definition, at=s.at)),
    "complete": st.just(lambda s: steer.complete(s.journey, s.definition, at=s.at)),
    "hand back": _command(
        lambda status, output, other: (
            lambda s: handback.hand_back(
                s.journey,
                s.definition,
                id=other or (s.journey.awaited.id if s.journey.awaited else "hof_other"),
                status=status,
                output=output,
                at=s.at,
            )
        ),
        st.sampled_from((HandoffStatus.COMPLETED,) * 4 + ENDS),
        contexts,
        st.sampled_from((None, None, None, "hof_other")),
    ),
    "carry on": st.just(
        lambda s: handback.carry_on(s.journey, id=s.journey.awaited.id if s.journey.awaited else "", at=s.at)
    ),
    "abandon": st.just(lambda s: steer.abandon(s.journey, at=s.at)),
    "assign": st.just(lambda s: steer.assign(s.journey, user="anna", team=None, at=s.at)),
    "prioritise": _command(
        lambda priority: lambda s: steer.set_priority(s.journey, s.definition, priority=priority, at=s.at),
        st.sampled_from(Priority),
    ),
    "update": _command(
        lambda changes, customer: (
            lambda s: steer.update_context(
                s.journey, s.definition, changes=changes, customer_id=customer, at=s.at
            )
        ),
        contexts,
        st.none() | st.just("c-1"),
    ),
}

# What ends or stops a journey comes seldom, so that journeys get somewhere.
_OFTEN = (
    *_COMMANDS,
    "migrate",
    *("advance",) * 6,
    *("update",) * 4,
    *("hand back",) * 4,
    *("retry", "resume", "skip the current") * 2,
)
