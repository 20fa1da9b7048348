"""A journey's steps as GraphQL shows them: where each stands, what is waited for, and what the viewer may do."""

from datetime import datetime, timedelta
from typing import Self

import strawberry

from domain.allowed import JourneyAction
from domain.events import HandoffStatus, StepState, StepVisit, Work
from domain.journey import Awaited
from domain.template import Stage, Step, StepType


@strawberry.type(description="A step of a journey: what the template says of it and where it stands.")
class JourneyStep:
    id: str = strawberry.field(description="The step's name for programs.")
    name: str = strawberry.field(description="The step's name for people.")
    description: str = strawberry.field(description="What is done in it.")
    stage: Stage = strawberry.field(description="The stage a journey is in while it is at this step.")
    order: int = strawberry.field(description="Its place among the steps.")
    type: StepType = strawberry.field(description="Who does it.")
    package: str | None = strawberry.field(description="The system that does the work.")
    action: str | None = strawberry.field(description="What that system is asked to do.")
    state: StepState = strawberry.field(description="Where it stands.")
    visit: int = strawberry.field(description="How often it was entered.")
    entered_at: datetime | None = strawberry.field(description="When it was entered the last time.")
    ended_at: datetime | None = strawberry.field(description="When it was completed, skipped or failed.")
    reason: str | None = strawberry.field(description="Why it was skipped or failed.")
    estimated_minutes: int = strawberry.field(description="How long it usually takes, in minutes.")
    max_duration: timedelta | None = strawberry.field(description="After this time it fails.")

    @classmethod
    def of(cls, step: Step, visit: StepVisit) -> Self:
        return cls(
            id=step.id,
            name=step.name,
            description=step.description,
            stage=step.stage,
            order=step.order,
            type=step.type,
            package=step.package,
            action=step.action,
            state=visit.state,
            visit=visit.visit,
            entered_at=visit.entered_at,
            ended_at=visit.ended_at,
            reason=visit.reason,
            estimated_minutes=step.estimated_minutes,
            max_duration=step.max_duration,
        )


@strawberry.type(description="Whether the viewer may do something with a journey now.")
class AllowedAction:
    action: JourneyAction = strawberry.field(description="What it is about.")
    allowed: bool = strawberry.field(description="Whether it would be carried out.")
    reason: str | None = strawberry.field(description="Why not.")


@strawberry.type(description="Work that a step of a journey waits for.")
class AwaitedWork:
    id: strawberry.ID = strawberry.field(
        description="The id of the handoff or of the child journey; of an action, the name of this request."
    )
    kind: Work = strawberry.field(description="What it is.")
    status: HandoffStatus = strawberry.field(
        description="How it ended, as the journey heard of it; PENDING until then. A FAILED one can be tried again."
    )
    reason: str | None = strawberry.field(description="Why it did not end well.")

    @classmethod
    def of(cls, awaited: Awaited) -> Self:
        return cls(
            id=strawberry.ID(awaited.id), kind=awaited.work, status=awaited.status, reason=awaited.reason
        )
