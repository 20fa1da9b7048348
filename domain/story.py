"""The story of one command: its events so far, the journey they lead to, and what that does by itself.

Where a journey comes to a step by itself it waits before it until the conditions hold. Steps that need nobody
are done at once, one after another, in a loop that the template's length bounds.
"""

from dataclasses import dataclass, field
from datetime import datetime

from domain.condition import Condition, Operator, Unmet, unmet
from domain.errors import ConditionsNotMet, Problem
from domain.events import (
    JourneyCompleted,
    JourneyEvent,
    NotificationRequested,
    Origin,
    StageChanged,
    StepBlocked,
    StepCompleted,
    StepEntered,
    StepState,
)
from domain.journey import Journey, Status, evolve
from domain.template import Definition, Step, StepType


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


def exit_unmet(journey: Journey, definition: Definition) -> tuple[Unmet, ...]:
    """Why the current step cannot be completed yet."""
    step = definition.step(journey.current_step)
    return unmet(step.exit_conditions, journey.scope) if step else ()


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
    story.tell(StepEntered(at=story.at, step=step.id, visit=number, stage=step.stage, due_at=due))
    if step.stage is not before:
        story.tell(StageChanged(at=story.at, from_stage=before, to_stage=step.stage))


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


def _needs_nobody(step: Step) -> bool:
    """An automated step whose action is somebody else's to do waits like a manual one."""
    return step.type is StepType.NOTIFICATION or (step.type is StepType.AUTOMATED and step.action is None)


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
