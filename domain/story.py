"""The story of one command: its events so far, the journey they lead to, and what that does by itself.

Where a journey comes to a step by itself it waits before it until the conditions hold. Steps that need nobody
are done at once, one after another, in a loop that the template's length bounds.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

from domain import promise
from domain.asking import asked
from domain.condition import Condition, Operator, Unmet, unmet
from domain.errors import ConditionsNotMet, Problem
from domain.events import HandoffStatus, Origin, StepState
from domain.journey import Awaited, Journey, Status
from domain.journey_events import (
    ContextUpdated,
    CustomerLinked,
    JourneyCompleted,
    JourneyEvent,
    JourneyFailed,
    NotificationRequested,
    StageChanged,
    StepBlocked,
    StepCompleted,
    StepEntered,
    StepFailed,
)
from domain.journey_fold import evolve
from domain.output import fits, mapped
from domain.template import Definition, Step, StepType
from domain.values import Json


@dataclass(slots=True)
class Story:
    """The events of one command so far, and the journey they lead to."""

    journey: Journey
    definition: Definition
    at: datetime
    events: list[JourneyEvent] = field(default_factory=list)
    before: Journey = field(init=False)

    def __post_init__(self) -> None:
        self.before = self.journey

    def tell(self, event: JourneyEvent) -> None:
        self.events.append(event)
        self.journey = evolve(self.journey, event)


def exit_unmet(journey: Journey, definition: Definition) -> tuple[Unmet, ...]:
    """Why the current step, if the journey is at it, cannot be completed yet."""
    step = definition.step(journey.current_step)
    if step is None or journey.current.state is not StepState.ACTIVE:
        return ()
    return undecided(journey) + unmet(step.exit_conditions, journey.scope)


def undecided(journey: Journey) -> tuple[Unmet, ...]:
    """The approval that the current step waits for."""
    waiting = journey.awaited
    if waiting is None or not waiting.approval or waiting.settled:
        return ()
    completed = HandoffStatus.COMPLETED.value
    return (Unmet("approval", Operator.EQUALS, completed, waiting.status.value, "the approval is pending"),)


def entry_unmet(journey: Journey, step: Step) -> tuple[Unmet, ...]:
    """Why a step cannot be entered yet: steps it depends on, data it needs, its entry conditions."""
    undone = [visit for visit in map(journey.visit, step.dependencies) if not visit.state.done]
    done = [state.value for state in StepState if state.done]
    waiting = tuple(
        Unmet(f"steps.{visit.id}", Operator.IN, [*done], visit.state.value, f"{visit.id} is not done")
        for visit in undone
    )
    needed = [Condition(path, Operator.EXISTS) for path in step.required_data]
    return waiting + unmet((*needed, *step.entry_conditions), journey.scope)


def refuse_unmet(failed: tuple[Unmet, ...], message: str) -> None:
    if failed:
        problems = [Problem(each.reason, (each.field,), each) for each in failed]
        raise ConditionsNotMet(message, problems=problems)


def next_step(journey: Journey, definition: Definition) -> Step | None:
    """The first step behind the current one that is not done."""
    behind = definition.after(journey.current_step)
    return next((step for step in behind if not journey.visit(step.id).state.done), None)


def enter(story: Story, step: Step) -> None:
    """A new visit of the step begins, and its time limit."""
    due = story.at + step.max_duration if step.max_duration and story.journey.origin is Origin.LIVE else None
    number = story.journey.visit(step.id).visit + 1
    before = story.journey.stage
    entered = StepEntered(
        at=story.at,
        step=step.id,
        visit=number,
        stage=step.stage,
        due_at=due,
        sla_due_at=promise.step_due(story.journey, story.definition, step, story.at),
    )
    story.tell(entered)
    if step.stage is not before:
        story.tell(StageChanged(at=story.at, from_stage=before, to_stage=step.stage))
    if story.journey.origin is Origin.LIVE:
        work = asked(story.journey, story.definition, step, number, story.at)
        if work is not None:
            story.tell(work)


def come_to(story: Story, step: Step) -> None:
    """The journey came here by itself: enter, or wait before the step."""
    failed = entry_unmet(story.journey, step)
    if not failed:
        enter(story, step)
    elif (story.journey.current_step, story.journey.blocked_by) != (step.id, failed):
        story.tell(StepBlocked(at=story.at, step=step.id, blocked_by=failed))


def proceed(story: Story) -> None:
    """Do what needs nobody. Each turn ends a step or enters one, so a template's length bounds it."""
    definition = story.definition
    goes_on = definition.settings.auto_progress
    for _ in range(2 * len(definition.steps) + 1):
        journey, told = story.journey, len(story.events)
        step = definition.step(journey.current_step)
        if step is None or journey.status is not Status.ACTIVE:
            return
        match journey.current.state:
            case StepState.BLOCKED:
                come_to(story, step)
            case StepState.ACTIVE if _needs_nobody(step):
                _perform(story, step)
            case StepState.ACTIVE if journey.awaited is not None and journey.awaited.settled:
                _take(story, step, journey.awaited)
            case StepState.COMPLETED if goes_on and step.type is not StepType.MANUAL:
                target = next_step(journey, definition)
                if target is None:
                    story.tell(JourneyCompleted(at=story.at))
                else:
                    come_to(story, target)
            case _:
                return
        if len(story.events) == told or story.journey.current.state is StepState.BLOCKED:
            return


def _take(story: Story, step: Step, result: Awaited) -> None:
    """The step's work has ended: what it gave goes into the journey, and the step ends with it."""
    visit = story.journey.current.visit
    taken = mapped(step, result.output)
    if not fits(story.journey.context, taken):
        result = replace(
            result, status=HandoffStatus.REJECTED, reason="its output does not fit into the context"
        )
    if result.status is HandoffStatus.COMPLETED:
        before = story.before.awaited
        if before is None or before.id != result.id or not before.applied:
            _put_in(story, taken)
        if not exit_unmet(story.journey, story.definition):
            story.tell(StepCompleted(at=story.at, step=step.id, visit=visit, automatic=not result.approval))
        return
    reason = result.reason or f"its {result.work.value} was {result.status.value}"
    story.tell(StepFailed(at=story.at, step=step.id, visit=visit, reason=reason))
    target = story.definition.step(step.on_rejected) if step.on_rejected else None
    if target is None:
        story.tell(JourneyFailed(at=story.at, step=step.id, reason=reason))
    else:
        come_to(story, target)


def _put_in(story: Story, taken: dict[str, Json]) -> None:
    """Put an output into the context; under the key `customerId` it says who the lead has become."""
    customer, journey = taken.get("customerId"), story.journey
    changes = {k: v for k, v in taken.items() if k != "customerId" and journey.context.get(k) != v}
    if changes:
        story.tell(ContextUpdated(at=story.at, changes=changes))
    if isinstance(customer, str | int) and str(customer) != (journey.customer_id or ""):
        story.tell(CustomerLinked(at=story.at, customer_id=str(customer)[:200], lead_id=journey.lead_id))


def _needs_nobody(step: Step) -> bool:
    """Whether it is done in the same command. An automated step that names another system's action waits like a manual
    one: no new version has such a step."""
    bare = step.performs is None and step.action is None
    return step.type is StepType.NOTIFICATION or (step.type is StepType.AUTOMATED and bare)


def _perform(story: Story, step: Step) -> None:
    """Do a step that needs nobody. A notification is asked for, unless the template wants none."""
    if exit_unmet(story.journey, story.definition):
        return
    if step.type is StepType.NOTIFICATION and story.definition.settings.notifications_enabled:
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
