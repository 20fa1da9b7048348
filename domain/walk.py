"""The walk: commands that take a journey from step to step.

What a person or partner asks for is refused with every condition that failed, and nothing has changed. What
the journey then does by itself is in `story`.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain import promise
from domain.asking import withdrawing
from domain.condition import Unmet, look_up
from domain.errors import IllegalTransition, InvalidInput, NotFound, TooLarge
from domain.events import Parent, Priority, StepState
from domain.identity import Actor
from domain.journey import MAX_CONTEXT_BYTES, Journey, Status, require
from domain.journey_events import (
    JourneyCompleted,
    JourneyEvent,
    JourneyFailed,
    JourneyStarted,
    StepCompleted,
    StepFailed,
    StepRetried,
    StepSkipped,
    StepTimedOut,
)
from domain.journey_fold import begin
from domain.story import (
    Story,
    come_to,
    enter,
    entry_unmet,
    exit_unmet,
    next_step,
    proceed,
    refuse_unmet,
    undecided,
)
from domain.template import Definition, Reentry, Step
from domain.values import JsonObject


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
    parent: Parent | None = None  # of a child journey


def start(
    id: str, definition: Definition, version: int, request: Start, *, tenant_id: str, by: Actor, at: datetime
) -> list[JourneyEvent]:
    """Pin the template's version and enter the first step, or wait before it."""
    merged = definition.default_context | request.context
    context: JsonObject = {key: value for key, value in merged.items() if value is not None}
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
        sla_due_at=promise.journey_due(definition, context, at),
        parent=request.parent,
    )
    story = Story(begin(id, started, by), definition, at, [started])
    come_to(story, definition.steps[0])
    proceed(story)
    return story.events


def _default_priority(context: JsonObject) -> Priority:
    value = context.get("priority")
    return Priority(value) if isinstance(value, str) and value in list(Priority) else Priority.MEDIUM


def entry_key(definition: Definition, request: Start, context: JsonObject) -> str | None:
    """What a journey is for, once: the customer, else the lead, or what the template's path leads to."""
    if definition.settings.reentry is Reentry.ANY_TIME:
        return None
    if definition.settings.entry_key:
        _, value = look_up(definition.settings.entry_key, context)
        return None if value is None else str(value)[:256]
    if request.customer_id is not None:
        return f"customer:{request.customer_id}"
    return None if request.lead_id is None else f"lead:{request.lead_id}"


def advance(
    journey: Journey, definition: Definition, *, at: datetime, to: str | None = None
) -> list[JourneyEvent]:
    """Complete the current step and enter the next by order, or the named one. After the last, the end."""
    require(journey, Status.ACTIVE, verb="advanced")
    story = Story(journey, definition, at)
    current = journey.current
    failed = exit_unmet(journey, definition)
    if current.state is StepState.ACTIVE:
        story.tell(StepCompleted(at=at, step=current.id, visit=current.visit))
    target: Step | None
    if to is not None:
        target = _named(story.journey, definition, to)
    elif current.state is StepState.BLOCKED:
        target = definition.step(current.id)
    else:
        target = next_step(story.journey, definition)
    _arrive(story, target, failed)
    return withdrawing(journey, story.events)


def skip(
    journey: Journey, definition: Definition, *, step: str, reason: str, at: datetime
) -> list[JourneyEvent]:
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
    if step == journey.current_step:
        refuse_unmet(undecided(journey), "The step cannot be skipped yet.")
    story = Story(journey, definition, at)
    story.tell(StepSkipped(at=at, step=step, reason=reason))
    if step == journey.current_step:
        _arrive(story, next_step(story.journey, definition))
    else:
        proceed(story)  # the journey may have waited for this step
    return withdrawing(journey, story.events)


def retry(
    journey: Journey, definition: Definition, *, at: datetime, reason: str | None = None
) -> list[JourneyEvent]:
    """Enter the failed step of a failed journey anew, or the step of an active one whose action or child journey
    failed: a new visit."""
    stuck = journey.status is Status.ACTIVE and journey.incident
    if stuck and journey.handoff is not None:
        raise IllegalTransition("Its handoff failed: retry that.", "id")
    if not stuck:
        require(journey, Status.FAILED, verb="retried")
    step = definition.step(journey.current_step)
    if step is None or not (stuck or journey.current.state is StepState.FAILED):
        raise IllegalTransition("The journey has no failed step to retry.", "id")
    story = Story(journey, definition, at)
    story.tell(StepRetried(at=at, step=step.id, visit=journey.current.visit + 1, reason=reason))
    enter(story, step)
    proceed(story)
    return withdrawing(journey, story.events)


def fail(journey: Journey, *, reason: str, at: datetime) -> list[JourneyEvent]:
    """The work of the current step went wrong: the step and the journey fail, until it is retried."""
    require(journey, Status.ACTIVE, verb="failed")
    current = journey.current
    if current.state is not StepState.ACTIVE:
        raise IllegalTransition(f"The step {current.id!r} is {current.state.value}, it cannot fail.", "id")
    if not reason.strip():
        raise InvalidInput("A reason is needed to fail a step.", "reason")
    failed: list[JourneyEvent] = [
        StepFailed(at=at, step=current.id, visit=current.visit, reason=reason),
        JourneyFailed(at=at, step=current.id, reason=reason),
    ]
    return withdrawing(journey, failed)


def time_out(journey: Journey, *, at: datetime) -> list[JourneyEvent]:
    """What is due: promises that are broken, and the current step's time limit. Nothing where nothing is (another
    worker was first)."""
    events = promise.broken(journey, at=at)
    if journey.status is Status.ACTIVE and journey.due_at is not None and journey.due_at <= at:
        current = journey.current
        events += [
            StepTimedOut(at=at, step=current.id, visit=current.visit, due_at=journey.due_at),
            JourneyFailed(at=at, step=current.id, reason="its time was over"),
        ]
    return withdrawing(journey, events)


def go_on(journey: Journey, definition: Definition, *, at: datetime) -> list[JourneyEvent]:
    """What the journey does by itself now: a step it waits before may have opened."""
    story = Story(journey, definition, at)
    if journey.status is Status.ACTIVE:
        proceed(story)
    return story.events


def check_size(context_bytes: int) -> None:
    """Raises TooLarge for a context over 256 KiB of JSON."""
    if context_bytes > MAX_CONTEXT_BYTES:
        raise TooLarge(f"The context would have {context_bytes} bytes, over {MAX_CONTEXT_BYTES}.", "context")


def _named(journey: Journey, definition: Definition, id: str) -> Step:
    step = definition.step(id)
    if step is None:
        raise NotFound(id, "step")
    state = journey.visit(id).state
    if state.done:
        raise IllegalTransition(f"The step {id!r} is {state.value} already.", "step")
    return step


def _arrive(story: Story, target: Step | None, failed: tuple[Unmet, ...] = ()) -> None:
    """Somebody asked for the next step: enter it, or refuse with all that failed; then go on by itself."""
    failed += entry_unmet(story.journey, target) if target else ()
    refuse_unmet(failed, "The journey cannot go on yet.")
    if target is None:
        story.tell(JourneyCompleted(at=story.at))
        return
    enter(story, target)
    proceed(story)
