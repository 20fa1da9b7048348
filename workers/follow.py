"""What follows from an event on other documents: the work of steps, steps whose work has ended, incidents, touchpoints,
scheduled triggers of templates.

An event's id makes the id of the command that follows from it, so twice is once, whoever does it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from domain import handback, handing, handover
from domain.errors import NotFound
from domain.events import Envelope, HandoffStatus
from domain.handoff import Handoff
from domain.handoff_events import (
    HandoffCancelled,
    HandoffCompleted,
    HandoffEvent,
    HandoffExpired,
    HandoffFailed,
    HandoffRejected,
    HandoffRetried,
)
from domain.incident import IncidentKind, IncidentRaised, IncidentSettled
from domain.journey import Journey
from domain.journey_events import (
    HandoffRequested,
    HandoffWithdrawn,
    IncidentOpened,
    IncidentResolved,
    JourneyEvent,
    NotificationRequested,
)
from domain.template import Definition
from domain.template_events import TemplateActivated, TemplateCreated, TemplateDeactivated
from domain.touchpoint import from_notification
from domain.work_events import ActionRequested, ChildRequested, WorkWithdrawn
from storage.codec import load_event
from storage.incidents import incident_id
from storage.pending import OF_CHILDREN
from storage.store import Store
from storage.templates import SYSTEM
from workers.actions import Actions
from workers.causes import following
from workers.step_work import GONE_ON, StepWork
from workers.stuck import try_again

ENDS: Final = {
    HandoffCompleted.type: HandoffStatus.COMPLETED,
    HandoffFailed.type: HandoffStatus.FAILED,
    HandoffRejected.type: HandoffStatus.REJECTED,
    HandoffExpired.type: HandoffStatus.EXPIRED,
    HandoffCancelled.type: HandoffStatus.CANCELLED,
}
OF_TEMPLATES: Final = (TemplateCreated.type, TemplateActivated.type, TemplateDeactivated.type)


class Following:
    def __init__(self, store: Store, actions: Actions) -> None:
        self._store = store
        work = StepWork(store, actions)
        self._works = {
            ActionRequested.type: work.perform,
            ChildRequested.type: work.start,
            WorkWithdrawn.type: work.withdraw,
            IncidentOpened.type: work.open_incident,
            IncidentResolved.type: work.resolve_incident,
            **dict.fromkeys(OF_CHILDREN, work.hear),
            **dict.fromkeys(OF_TEMPLATES, self._schedule),
        }

    async def follow(self, change: Sequence[Envelope]) -> None:
        """Do all that follows from a change."""
        for envelope in change:
            if envelope.type == NotificationRequested.type:
                await self._touch(envelope)
            elif envelope.type == HandoffRequested.type:
                await self._hand_over(envelope)
            elif envelope.type == HandoffWithdrawn.type:
                await self._withdraw(envelope)
            elif envelope.type in ENDS:
                await self._hand_back(envelope, ENDS[envelope.type])
            elif envelope.type == HandoffRetried.type:
                await self._carry_on(envelope)
            elif envelope.type == IncidentSettled.type:
                await try_again(self._store, envelope)
            elif envelope.type in self._works:
                await self._works[envelope.type](envelope)

    async def _touch(self, envelope: Envelope) -> None:
        event = load_event(NotificationRequested, envelope.data, at=envelope.occurred_at)
        cause = following(envelope)
        await self._store.touchpoints.add(
            f"tch_{cause.command_id}", from_notification(envelope, event), cause
        )

    async def _schedule(self, envelope: Envelope) -> None:
        """The triggers that follow a template are as its newest active version has them."""
        found = await self._store.templates.many([envelope.subject], envelope.tenant_id)
        await self._store.triggers.follow(found[envelope.subject], following(envelope))

    async def _hand_over(self, envelope: Envelope) -> None:
        """Make the step's handoff, unless the journey has left the step by now."""
        event = load_event(HandoffRequested, envelope.data, at=envelope.occurred_at)
        journey = await self._store.journeys.get(envelope.subject, envelope.tenant_id)
        if not _awaits(journey, event.handoff_id):  # whoever made it may have died before its second look
            await self._cancel(event.handoff_id, envelope)
            return
        definition = await self._store.journeys.definition(journey)
        step = definition.step(journey.current_step)
        package = await self._store.packages.find(envelope.tenant_id, event.package)
        created = handover.created(envelope, event, journey, step, package)
        events = handing.create(event.handoff_id, created, package, by=SYSTEM, strict=False)
        await self._store.handoffs.create(event.handoff_id, events, following(envelope))
        # Whoever withdrew it between the look at the journey and the creation found nothing to cancel.
        journey = await self._store.journeys.get(envelope.subject, envelope.tenant_id)
        if not _awaits(journey, event.handoff_id):
            await self._cancel(event.handoff_id, envelope)

    async def _withdraw(self, envelope: Envelope) -> None:
        event = load_event(HandoffWithdrawn, envelope.data, at=envelope.occurred_at)
        await self._cancel(event.handoff_id, envelope)

    async def _cancel(self, id: str, envelope: Envelope) -> None:
        """Nobody waits for it any more; one that has failed is no incident any more."""
        cause = following(envelope, "cancel")
        try:
            handoff = await self._store.handoffs.get(id, envelope.tenant_id)
        except NotFound:
            return  # never made: whoever makes it looks at the journey once more
        if handoff.status is HandoffStatus.FAILED:
            incident = incident_id(id, str(handoff.round))
            await self._store.incidents.resolve_if_open(incident, envelope.tenant_id, GONE_ON, cause)
        elif handoff.status.open:

            def cancel(current: Handoff, at: datetime) -> list[HandoffEvent]:
                return (
                    handing.cancel(current, at=at, reason="the journey left the step")
                    if current.status.open
                    else []
                )

            changed = await self._store.handoffs.change(id, envelope.tenant_id, cancel, cause)
            if changed.state.status is HandoffStatus.FAILED:  # it failed at this very moment
                await self._cancel(id, envelope)

    async def _hand_back(self, envelope: Envelope, status: HandoffStatus) -> None:
        """Tell the journey how its handoff ended; what failed is an incident, unless it was retried by now."""
        handoff = await self._store.handoffs.get(envelope.subject, envelope.tenant_id)
        if handoff.status is HandoffStatus.FAILED:
            await self._open_incident(envelope, handoff)
        handoff = await self._tell(envelope, handoff)
        if status is HandoffStatus.FAILED and handoff.revision != envelope.revision:
            await self._resolve_earlier(envelope, handoff)

    async def _tell(self, envelope: Envelope, handoff: Handoff) -> Handoff:
        """Tell the journey where its handoff stands; again, if that has changed meanwhile. Gives the latest."""
        told = None
        while (handoff.status, handoff.round) != told:
            told = handoff.status, handoff.round
            if handoff.journey_id is not None and handoff.status.open:
                await self._again(envelope, handoff.journey_id, handoff)
            elif handoff.journey_id is not None:
                await self._end(envelope, handoff.journey_id, handoff)
            if handoff.status.open or handoff.status is HandoffStatus.FAILED:  # any other end is the last
                handoff = await self._store.handoffs.get(handoff.id, envelope.tenant_id)
        return handoff

    async def _end(self, envelope: Envelope, journey_id: str, handoff: Handoff) -> None:
        def end(journey: Journey, definition: Definition, at: datetime) -> list[JourneyEvent]:
            return handback.hand_back(
                journey,
                definition,
                id=handoff.id,
                status=handoff.status,
                output=handoff.output,
                reason=handoff.reason,
                at=at,
            )

        cause = following(envelope, "end")
        await self._store.journeys.change(journey_id, envelope.tenant_id, end, cause)

    async def _again(self, envelope: Envelope, journey_id: str, handoff: Handoff) -> None:
        def again(journey: Journey, _: Definition, at: datetime) -> list[JourneyEvent]:
            return handback.carry_on(journey, id=handoff.id, at=at)

        cause = following(envelope, "again")
        await self._store.journeys.change(journey_id, envelope.tenant_id, again, cause)

    async def _open_incident(self, envelope: Envelope, handoff: Handoff) -> None:
        raised = IncidentRaised(
            at=envelope.occurred_at,
            tenant_id=envelope.tenant_id,
            kind=IncidentKind.HANDOFF,
            reason=handoff.reason or "it failed",
            journey_id=handoff.journey_id,
            handoff_id=handoff.id,
            step=handoff.step,
        )
        id, incidents = incident_id(handoff.id, str(handoff.round)), self._store.incidents
        await incidents.open(id, raised, following(envelope, "incident"))
        # Whoever let the journey go on without it meanwhile found no incident to resolve.
        if await self._left(handoff):
            cause = following(envelope, "resolve")
            await incidents.resolve_if_open(id, envelope.tenant_id, GONE_ON, cause)

    async def _resolve_earlier(self, envelope: Envelope, handoff: Handoff) -> None:
        """Whoever retried it before the incident was opened found none to resolve."""
        for earlier in range(1, handoff.round):
            id, cause = incident_id(handoff.id, str(earlier)), following(envelope, "resolve", str(earlier))
            await self._store.incidents.resolve_if_open(id, envelope.tenant_id, "it was retried", cause)

    async def _left(self, handoff: Handoff) -> bool:
        """Whether it was a step's, and the journey has left that step."""
        if handoff.journey_id is None or handoff.step is None:
            return False
        return not _awaits(await self._store.journeys.get(handoff.journey_id, handoff.tenant_id), handoff.id)

    async def _carry_on(self, envelope: Envelope) -> None:
        """Tell the journey that its handoff is tried again, or where it stands by now: the incident is over."""
        event = load_event(HandoffRetried, envelope.data, at=envelope.occurred_at)
        handoff = await self._store.handoffs.get(envelope.subject, envelope.tenant_id)
        incident = incident_id(handoff.id, str(event.round - 1))
        resolution = event.reason or "its data was mended"
        await self._store.incidents.resolve_if_open(
            incident, envelope.tenant_id, resolution, following(envelope, "incident")
        )
        if await self._left(handoff):
            await self._cancel(handoff.id, envelope)
        else:
            await self._tell(envelope, handoff)


def _awaits(journey: Journey, handoff_id: str) -> bool:
    return journey.awaited is not None and journey.awaited.id == handoff_id
