"""The facts of work that a step has done by the service itself: its action, or a journey of its own.

A handoff's are with the journey's other events, for its work is somebody else's and has a life of its own.
"""

from dataclasses import dataclass
from typing import ClassVar

from domain.action import Action
from domain.events import Event, HandoffStatus, Work
from domain.values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRequested(Event):
    """The journey entered an automated step: its action is to be done, once for this visit."""

    type: ClassVar[str] = "journey:action_requested"
    work_id: str
    step: str
    visit: int
    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildRequested(Event):
    """The journey entered a workflow step: a child journey with the id `work_id` follows, and the step ends with it."""

    type: ClassVar[str] = "journey:child_requested"
    work_id: str
    step: str
    visit: int
    template_id: str
    template_version: int | None = None  # the newest active one where there is none
    context_mapping: dict[str, str] | None = None  # the whole context where there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkEnded(Event):
    """How the current step's action or child journey ended. After a failure it may be tried again."""

    type: ClassVar[str] = "journey:work_ended"
    work: Work
    work_id: str
    status: HandoffStatus
    output: Json = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkWithdrawn(Event):
    """The journey left the step whose action or child journey had not ended, or had failed. The child is abandoned."""

    type: ClassVar[str] = "journey:work_withdrawn"
    work: Work
    work_id: str
    failures: int = 0  # of this work so far


WorkEvent = ActionRequested | ChildRequested | WorkEnded | WorkWithdrawn
