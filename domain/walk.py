"""The walk: commands that take a journey from step to step.

What a person or partner asks for is refused with every condition that failed; where a journey comes to a step by
itself, it waits before it instead. Steps that need nobody are done in the same command, one after another.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from domain.condition import Condition, Operator, Unmet, look_up, unmet
from domain.errors import ConditionsNotMet, IllegalTransition, InvalidInput, NotFound, Problem, TooLarge
from domain.events import (
    JourneyCompleted,
    JourneyEvent,
    JourneyFailed,
    JourneyStarted,
    NotificationRequested,
    Origin,
    Priority,
    StageChanged,
    StepBlocked,
    StepCompleted,
    StepEntered,
    StepFailed,
    StepRetried,
    StepSkipped,
    StepState,
    StepTimedOut,
)
from domain.identity import Actor
from domain.journey import Journey, Status, begin, evolve, require
from domain.template import Definition, Reentry, Step, StepType
from domain.values import JsonObject

MAX_CONTEXT_BYTES: Final = 256 * 1024


@dataclass(slots=True)
class Story:
    """The events of one command so far, and the journey they lead to."""

    journey: Journey
    definition: Definition
    at: datetime
    events: list[JourneyEvent] = field(default_factory=list)

    def tell(self, event: JourneyEvent) -> None:
        self.events.append(event)
        self.journey = evolve(self.journey, event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What is known of a journey when it starts; the template fills in the rest."""

    name: str | None = None
    customer_id: str | None = None
    lead_id: str | None = None
    priority: Priority | None = None
    context: JsonObject = field(default_factory=dict)
    assigned_to: str | None = None
    assigned_team: str | None = None
    tags: tuple[str, ...] = ()


def start(
    id: str, definition: Definition, version: int, request: Start, *, tenant_id: str, by: Actor, at: datetime
) -> list[JourneyEvent]:
    """Pin the template's version and enter the first step, or wait before it."""
    context = definition.default_context | {k: v for k, v in request.context.items() if v is not None}
    started = JourneyStarted(
        at=at,
        tenant_id=tenant_id,
        template_id=definition.template_id,
        template_version=version,
        name=request.name or definition.name,
        category=definition.category,
        stage=definition.steps[0].stage,
        priority=request.priority or _default_priority(context),
        customer_id=request.customer_id,
        lead_id=request.lead_id,
        entry_key=entry_key(definition, request, context),
        reentry=definition.settings.reentry,
        context=context,
        steps=tuple(step.id for step in definition.steps),
        assigned_to=request.assigned_to,
        assigned_team=request.assigned_team,
        tags=request.tags,
        estimated_completion=at + timedelta(minutes=definition.estimated_minutes),
    )
    story = Story(begin(id, started, by), definition, at, [started])
    _come_to(story, definition.steps[0])
    proceed(story)
    return story.events


def _default_priority(context: JsonObject) -> Priority:
    value = context.get("priority")
    return Priority(value) if isinstance(value, str) and value in list(Priority) else Priority.MEDIUM


def entry_key(definition: Definition, request: Start, context: JsonObject) -> str | None:
    """What a journey is once for: the customer, else the lead, or what the template's path leads to."""
    if definition.settings.reentry is Reentry.ANY_TIME:
        return None
    if definition.settings.entry_key:
        _, value = look_up(definition.settings.entry_key, context)
        return None if value is None else str(value)[:256]
    return request.customer_id or request.lead_id


def advance(journey: Journey, definition: Definition, *, at: datetime, to: str | None = None) -> list[JourneyEvent]:
    """Complete the current step and enter the next by order, or the named one. After the last, the journey ends."""
    require(journey, Status.ACTIVE, verb="advanced")
    story = Story(journey, definition, at)
    current = journey.current
    if current.state is StepState.ACTIVE:
        refuse_unmet(exit_unmet(journey, definition), f"The step {current.id!r} cannot be completed yet.")
        story.tell(StepCompleted(at=at, step=current.id, visit=current.visit))
    if to is not None:
        target = _named(story.journey, definition, to)
    elif current.state is StepState.BLOCKED:
        target = definition.step(current.id)
    else:
        target = _next(story.journey, definition)
    _arrive(story, target)
    return story.events


def skip(journey: Journey, definition: Definition, *, step: str, reason: str, at: datetime) -> list[JourneyEvent]:
    """Leave out a step that is not done. Leaving out the current one moves on to the next."""
    require(journey, Status.ACTIVE, verb="skipped through")
    if not definition.settings.allow_skip_steps:
        raise IllegalTransition("The template does not allow steps to be skipped.", "step")
    if not reason.strip():
        raise InvalidInput("A reason is needed to skip a step.", "reason")
    if definition.step(step) is None:
        raise NotFound(step, "step")
    if journey.visit(step).state.done:
        raise IllegalTransition(f"The step {step!r} is {journey.visit(step).state.value} already.", "step")
    story = Story(journey, definition, at)
    story.tell(StepSkipped(at=at, step=step, reason=reason))
    if step == journey.current_step:
        _arrive(story, _next(story.journey, definition))
    return story.events


def retry(journey: Journey, definition: Definition, *, at: datetime, reason: str | None = None) -> list[JourneyEvent]:
    """Enter the failed step of a failed journey anew: a new visit."""
    require(journey, Status.FAILED, verb="retried")
    step = definition.step(journey.current_step)
    if step is None or journey.current.state is not StepState.FAILED:
        raise IllegalTransition("The journey has no failed step to retry.", "id")
    story = Story(journey, definition, at)
    story.tell(StepRetried(at=at, step=step.id, visit=journey.current.visit + 1, reason=reason))
    _enter(story, step)
    proceed(story)
    return story.events


def fail(journey: Journey, *, reason: str, at: datetime) -> list[JourneyEvent]:
    """The work of the current step went wrong: the step and the journey fail, until it is retried."""
    require(journey, Status.ACTIVE, verb="failed")
    current = journey.current
    if current.state is not StepState.ACTIVE:
        raise IllegalTransition(f"The step {current.id!r} is {current.state.value}, it cannot fail.", "id")
    if not reason.strip():
        raise InvalidInput("A reason is needed to fail a step.", "reason")
    return [
        StepFailed(at=at, step=current.id, visit=current.visit, reason=reason),
        JourneyFailed(at=at, step=current.id, reason=reason),
    ]


def time_out(journey: Journey, *, at: datetime) -> list[JourneyEvent]:
    """The current step's time limit is over. Nothing happens where it is not (another worker was first)."""
    if journey.wake_at is None or journey.due_at is None or journey.due_at > at:
        return []
    current = journey.current
    return [
        StepTimedOut(at=at, step=current.id, visit=current.visit, due_at=journey.due_at),
        JourneyFailed(at=at, step=current.id, reason="its time was over"),
    ]


def go_on(journey: Journey, definition: Definition, *, at: datetime) -> list[JourneyEvent]:
    """What the journey does by itself now: a step it waits before may have opened."""
    story = Story(journey, definition, at)
    if journey.status is Status.ACTIVE:
        proceed(story)
    return story.events


def check_size(context_bytes: int) -> None:
    """Raises TooLarge for a context over 256 KiB of JSON."""
    if context_bytes > MAX_CONTEXT_BYTES:
        raise TooLarge(f"The context would have {context_bytes} bytes; at most {MAX_CONTEXT_BYTES} are kept.", "context")


def exit_unmet(journey: Journey, definition: Definition) -> tuple[Unmet, ...]:
    """Why the current step cannot be completed yet."""
    step = definition.step(journey.current_step)
    return unmet(step.exit_conditions, journey.scope) if step else ()


def entry_unmet(journey: Journey, step: Step) -> tuple[Unmet, ...]:
    """Why a step cannot be entered yet: steps it depends on, data it needs, its entry conditions."""
    undone = [id for id in step.dependencies if not journey.visit(id).state.done]
    waiting = tuple(
        Unmet(f"steps.{id}", Operator.IN, ["completed", "skipped"], journey.visit(id).state.value, f"{id} is not done")
        for id in undone
    )
    needed = [Condition(path, Operator.EXISTS) for path in step.required_data]
    return waiting + unmet((*needed, *step.entry_conditions), journey.scope)


def refuse_unmet(failed: tuple[Unmet, ...], message: str) -> None:
    if failed:
        problems = [Problem(each.reason, (each.field,), each) for each in failed]
        raise ConditionsNotMet(message, problems=problems)


def _named(journey: Journey, definition: Definition, id: str) -> Step:
    step = definition.step(id)
    if step is None:
        raise NotFound(id, "step")
    state = journey.visit(id).state
    if state.done:
        raise IllegalTransition(f"The step {id!r} is {state.value} already.", "step")
    return step


def _next(journey: Journey, definition: Definition) -> Step | None:
    behind = definition.after(journey.current_step)
    return next((step for step in behind if not journey.visit(step.id).state.done), None)


def _arrive(story: Story, target: Step | None) -> None:
    """Somebody asked for the next step: enter it or refuse; then whatever goes on by itself."""
    if target is None:
        story.tell(JourneyCompleted(at=story.at))
        return
    refuse_unmet(entry_unmet(story.journey, target), f"The step {target.id!r} cannot be entered yet.")
    _enter(story, target)
    proceed(story)


def _enter(story: Story, step: Step) -> None:
    due = story.at + step.max_duration if step.max_duration and story.journey.origin is Origin.LIVE else None
    number = story.journey.visit(step.id).visit + 1
    before = story.journey.stage
    story.tell(StepEntered(at=story.at, step=step.id, visit=number, stage=step.stage, due_at=due))
    if step.stage is not before:
        story.tell(StageChanged(at=story.at, from_stage=before, to_stage=step.stage))


def _come_to(story: Story, step: Step) -> None:
    """The journey came here by itself: enter, or wait before the step."""
    failed = entry_unmet(story.journey, step)
    if not failed:
        _enter(story, step)
    elif (story.journey.current_step, story.journey.blocked_by) != (step.id, failed):
        story.tell(StepBlocked(at=story.at, step=step.id, blocked_by=failed))


def proceed(story: Story) -> None:
    """Do what needs nobody. Each turn ends a step or enters one, so a template's length bounds it."""
    definition = story.definition
    for _ in range(2 * len(definition.steps) + 1):
        journey = story.journey
        step = definition.step(journey.current_step)
        told = len(story.events)
        if step is None or journey.status is not Status.ACTIVE:
            return
        match journey.current.state:
            case StepState.BLOCKED:
                _come_to(story, step)
            case StepState.ACTIVE if step.type in (StepType.AUTOMATED, StepType.NOTIFICATION):
                _perform(story, step)
            case StepState.COMPLETED if definition.settings.auto_progress and step.type is not StepType.MANUAL:
                target = _next(journey, definition)
                if target is None:
                    story.tell(JourneyCompleted(at=story.at))
                else:
                    _come_to(story, target)
            case _:
                return
        if len(story.events) == told:
            return


def _perform(story: Story, step: Step) -> None:
    """A step that needs nobody: a notification is asked for; then it is completed."""
    if exit_unmet(story.journey, story.definition):
        return
    if step.type is StepType.NOTIFICATION:
        channel = step.params.get("channel")
        story.tell(
            NotificationRequested(
                at=story.at,
                step=step.id,
                channel=channel if isinstance(channel, str) else "email",
                title=step.name,
                customer_id=story.journey.customer_id,
                lead_id=story.journey.lead_id,
                params=step.params,
            )
        )
    story.tell(StepCompleted(at=story.at, step=step.id, visit=story.journey.current.visit, automatic=True))
