"""The work of a step that the service does itself: its action is performed or its child journey started, and the
journey hears how that ended.

Each is done for a visit that still waits for it, under an id that the visit's event makes.
"""

from contextlib import suppress
from datetime import datetime
from typing import Final

from domain import handback, nesting, steer
from domain.errors import DomainError, JourneyExists, NotFound, QueryTimeout, Unavailable
from domain.events import Envelope, HandoffStatus, Work
from domain.incident import IncidentKind, IncidentRaised
from domain.journey import Awaited, Journey
from domain.journey_events import IncidentOpened, IncidentResolved, JourneyEvent
from domain.template import Definition
from domain.trigger import DEPTH
from domain.values import Json
from domain.work_events import ActionRequested, ChildRequested, WorkWithdrawn
from storage.codec import load_event
from storage.incidents import incident_id
from storage.store import Store
from workers.actions import Actions, refusal
from workers.causes import following, once
from workers.finding import NothingToDo

CUT_OFF: Final = f"A chain of actions and triggers was cut off after {DEPTH} of them."
LEFT: Final = "the journey that it belonged to left its step"
GONE_ON: Final = "the journey went on without it"
AGAIN: Final = "it was tried again"


class StepWork:
    def __init__(self, store: Store, actions: Actions) -> None:
        self._store, self._actions = store, actions

    async def perform(self, envelope: Envelope) -> None:
        """Do the step's action, unless it was done or the journey has left the step by now."""
        event = load_event(ActionRequested, envelope.data, at=envelope.occurred_at)
        journey = await self._store.journeys.get(envelope.subject, envelope.tenant_id)
        waiting = _awaited(journey, event.work_id)
        if waiting is None or not waiting.status.open:
            return
        try:
            result = await self._perform(envelope, event, journey)
        except NothingToDo as nothing:
            await self._failed(envelope, event.work_id, nothing.reason)
        except (Unavailable, QueryTimeout):
            raise  # it is tried later
        except DomainError as error:
            await self._failed(envelope, event.work_id, refusal(error))
        else:
            output: Json = {"id": result}
            await self._hand_back(envelope, event.work_id, HandoffStatus.COMPLETED, output=output)

    async def _perform(self, envelope: Envelope, event: ActionRequested, journey: Journey) -> str:
        """The id of what was made or changed."""
        if envelope.depth >= DEPTH:
            raise NothingToDo(CUT_OFF)
        seen = {"context": journey.context} | journey.scope | {"journeyId": journey.id}
        cause = once(following(envelope, "action"), deeper=1)
        action = event.action.of_journey(journey.id)
        return await self._actions.perform(action, seen, envelope.tenant_id, cause, envelope.recorded_at)

    async def start(self, envelope: Envelope) -> None:
        """Start the step's child journey, unless it was started or the journey has left the step by now."""
        event = load_event(ChildRequested, envelope.data, at=envelope.occurred_at)
        parent = await self._store.journeys.get(envelope.subject, envelope.tenant_id)
        waiting = _awaited(parent, event.work_id)
        if waiting is None:  # whoever started it may have died before its second look
            await self._abandon(envelope, event.work_id)
            return
        if not waiting.status.open:
            return
        cause = once(following(envelope, "child"))
        try:
            request = nesting.start_of(parent, event)
            await self._actions.start(
                event.work_id, event.template_id, event.template_version, request, envelope.tenant_id, cause
            )
        except (Unavailable, QueryTimeout):
            raise  # it is tried later
        except JourneyExists as error:
            there = error.extra.get("journeyId") or "a journey"
            await self._failed(envelope, event.work_id, f"{there} is there already")
        except DomainError as error:
            await self._failed(envelope, event.work_id, refusal(error))
        # Whoever left the step between the look at the journey and the start found nothing to abandon.
        parent = await self._store.journeys.get(envelope.subject, envelope.tenant_id)
        if _awaited(parent, event.work_id) is None:
            await self._abandon(envelope, event.work_id)

    async def hear(self, envelope: Envelope) -> None:
        """Tell the parent of a child journey where the child stands; again, if that has changed meanwhile."""
        child = await self._store.journeys.get(envelope.subject, envelope.tenant_id)
        told = None
        while child.parent is not None and child.status is not told:
            told = child.status
            await self._tell(envelope, child.parent.journey_id, child)
            child = await self._store.journeys.get(envelope.subject, envelope.tenant_id)

    async def _tell(self, envelope: Envelope, parent_id: str, child: Journey) -> None:
        def hear(parent: Journey, definition: Definition, at: datetime) -> list[JourneyEvent]:
            return nesting.hear(parent, definition, child, at=at)

        cause = following(envelope, "parent", child.status.value)
        with suppress(NotFound):  # an old one may be gone for good
            await self._store.journeys.change(parent_id, envelope.tenant_id, hear, cause)

    async def withdraw(self, envelope: Envelope) -> None:
        """Nobody waits for it any more: a child is abandoned, and what failed is no incident any more."""
        event = load_event(WorkWithdrawn, envelope.data, at=envelope.occurred_at)
        if event.failures:
            await self._resolve(envelope, event.work_id, event.failures, GONE_ON)
        if event.work is Work.CHILD:
            await self._abandon(envelope, event.work_id)

    async def open_incident(self, envelope: Envelope) -> None:
        """The journey stands still: somebody has to mend what failed. Of a handoff its own failure tells."""
        event = load_event(IncidentOpened, envelope.data, at=envelope.occurred_at)
        if event.work_id is None:
            return
        journey = await self._store.journeys.get(envelope.subject, envelope.tenant_id)
        raised = IncidentRaised(
            at=envelope.occurred_at,
            tenant_id=envelope.tenant_id,
            kind=IncidentKind.STEP,
            reason=event.reason or "it failed",
            journey_id=journey.id,
            step=journey.current_step if _awaited(journey, event.work_id) else None,
        )
        id = _incident(event.work_id, event.failures)
        await self._store.incidents.open(id, raised, following(envelope, "incident"))
        # Whoever tried it again meanwhile, or left the step, found no incident to resolve.
        journey = await self._store.journeys.get(envelope.subject, envelope.tenant_id)
        waiting = _awaited(journey, event.work_id)
        if waiting is None:
            await self._resolve(envelope, event.work_id, event.failures, GONE_ON)
        elif waiting.status is not HandoffStatus.FAILED or waiting.failures != event.failures:
            await self._resolve(envelope, event.work_id, event.failures, AGAIN)

    async def resolve_incident(self, envelope: Envelope) -> None:
        event = load_event(IncidentResolved, envelope.data, at=envelope.occurred_at)
        if event.work_id is not None:
            await self._resolve(envelope, event.work_id, event.failures, AGAIN)

    async def _resolve(self, envelope: Envelope, work_id: str, failures: int, why: str) -> None:
        id, cause = _incident(work_id, failures), following(envelope, "resolve")
        await self._store.incidents.resolve_if_open(id, envelope.tenant_id, why, cause)

    async def _abandon(self, envelope: Envelope, child_id: str) -> None:
        try:
            await self._store.journeys.change(
                child_id,
                envelope.tenant_id,
                lambda child, _, at: steer.abandon(child, reason=LEFT, at=at) if child.status.live else [],
                following(envelope, "abandon"),
            )
        except NotFound:
            return  # never started: whoever starts it looks at the parent once more

    async def _failed(self, envelope: Envelope, work_id: str, reason: str) -> None:
        await self._hand_back(envelope, work_id, HandoffStatus.FAILED, reason=reason)

    async def _hand_back(
        self,
        envelope: Envelope,
        work_id: str,
        status: HandoffStatus,
        *,
        output: Json = None,
        reason: str | None = None,
    ) -> None:
        def end(journey: Journey, definition: Definition, at: datetime) -> list[JourneyEvent]:
            return handback.hand_back(
                journey, definition, id=work_id, status=status, output=output, reason=reason, at=at
            )

        cause = following(envelope, "end")
        await self._store.journeys.change(envelope.subject, envelope.tenant_id, end, cause)


def _incident(work_id: str, failures: int) -> str:
    """Each failure is an incident of its own."""
    return incident_id("work", work_id, str(failures))


def _awaited(journey: Journey, work_id: str) -> Awaited | None:
    """The work with this id, if the journey still waits for it."""
    waiting = journey.awaited
    return waiting if waiting is not None and waiting.id == work_id else None
