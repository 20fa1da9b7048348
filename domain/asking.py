"""Asking: the work that a step has done elsewhere while the journey stands at it, and taking that back.

A handoff is another system's or people's, an action and a child journey are the service's own. Each visit asks once.
"""

import hashlib
from datetime import datetime

from domain.approval import ApprovalPolicy
from domain.events import StepState, Work
from domain.handoff import handoff_id
from domain.journey import Awaited, Journey
from domain.journey_events import HandoffRequested, HandoffWithdrawn, JourneyEvent
from domain.journey_fold import evolve
from domain.template import Definition, Step, StepType
from domain.work_events import ActionRequested, ChildRequested, WorkWithdrawn


def work_of(step: Step) -> Work | None:
    """What the step asks for when it is entered. An integration that names nothing to do asks for nothing."""
    match step.type:
        case StepType.APPROVAL:
            return Work.HANDOFF
        case StepType.INTEGRATION if step.package and step.action:
            return Work.HANDOFF
        case StepType.AUTOMATED if step.performs is not None:
            return Work.ACTION
        case StepType.WORKFLOW if step.child is not None:
            return Work.CHILD
        case _:
            return None


def asked(
    journey: Journey, definition: Definition, step: Step, visit: int, at: datetime
) -> JourneyEvent | None:
    """What a visit of the step asks for; None where it waits for nobody, or for a person like a manual one."""
    work = work_of(step)
    if work is Work.HANDOFF:
        return _handed_over(journey, definition, step, visit, at)
    if work is Work.ACTION and step.performs is not None:
        id = work_id("act", journey.id, step.id, visit)
        return ActionRequested(at=at, work_id=id, step=step.id, visit=visit, action=step.performs)
    if work is Work.CHILD and step.child is not None:
        return ChildRequested(
            at=at,
            work_id=work_id("jrn", journey.id, step.id, visit),
            step=step.id,
            visit=visit,
            template_id=step.child.template_id,
            template_version=step.child.template_version,
            context_mapping=step.child.context_mapping,
        )
    return None


def _handed_over(
    journey: Journey, definition: Definition, step: Step, visit: int, at: datetime
) -> HandoffRequested:
    needed = step.type is StepType.APPROVAL or definition.settings.require_approval
    return HandoffRequested(
        at=at,
        handoff_id=handoff_id(journey.id, step.id, visit),
        step=step.id,
        visit=visit,
        package=step.package or "journeys",
        action=step.action,
        policy=step.approval or (ApprovalPolicy() if needed else None),
    )


def work_id(kind: str, journey_id: str, step: str, visit: int) -> str:
    """The id of what one visit of a step has done: of its child journey, or a name for its action."""
    return f"{kind}_{hashlib.sha256(f'{kind}|{journey_id}|{step}|{visit}'.encode()).hexdigest()[:32]}"


def withdrawn(waiting: Awaited, at: datetime) -> JourneyEvent:
    """Nobody waits for this work any more."""
    if waiting.work is Work.HANDOFF:
        return HandoffWithdrawn(at=at, handoff_id=waiting.id)
    return WorkWithdrawn(at=at, work=waiting.work, work_id=waiting.id, failures=waiting.failures)


def withdrawing(before: Journey, events: list[JourneyEvent]) -> list[JourneyEvent]:
    """The events of a command, and the end of the work whose step they leave."""
    waiting = before.awaited
    if waiting is None or waiting.settled or not events:
        return events
    after = before
    for event in events:
        after = evolve(after, event)
    same = (after.current.id, after.current.visit) == (before.current.id, before.current.visit)
    if same and after.status.live and after.current.state is StepState.ACTIVE:
        return events
    return [*events, withdrawn(waiting, events[-1].at)]
