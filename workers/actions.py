"""Actions: what a trigger, or an automated step, does. Each is one command whose id its cause makes, so that doing it
again does nothing."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from domain import external, handing, steer, walk
from domain.action import Action, ActionKind
from domain.approval import ApprovalPolicy
from domain.errors import DomainError, InvalidInput, JourneyExists
from domain.events import Outcome, Priority
from domain.handoff_events import HandoffCreated, HandoffType
from domain.isp.event_types import data_problems
from domain.journey import Journey
from domain.journey_events import JourneyEvent
from domain.limits import Limits
from domain.output import require_fit
from domain.record_events import TouchpointAdded
from domain.rehearsal import Rehearsal
from domain.template import Definition, Template
from domain.touchpoint import require_valid
from domain.values import Json, JsonObject
from storage.store import Store
from storage.subject import Cause
from workers.finding import Finding, NothingToDo, filled, object_, text

ROOM: Final = 10_000  # active journeys of a tenant, where nothing else is set


class Actions:
    """`room` is how many active journeys a tenant may have."""

    def __init__(self, store: Store, now: Callable[[], datetime], *, room: int = ROOM) -> None:
        self._store, self._now, self._room = store, now, room
        self.finding = Finding(store)

    async def perform(
        self, action: Action, seen: Mapping[str, Json], tenant_id: str, cause: Cause, since: datetime
    ) -> str:
        """Do it, which nobody asked for before `since`; the id of what was made or changed. Raises NothingToDo,
        DomainError."""
        done = await self._store.events.of_command(cause.command_id)
        if done is not None:
            return done.subject
        given = filled(action, seen)
        match action.kind:
            case ActionKind.START_JOURNEY:
                return await self._start(action, given, tenant_id, cause)
            case ActionKind.ADD_TOUCHPOINT:
                return await self._touch(given, tenant_id, cause)
            case ActionKind.CREATE_HANDOFF:
                return await self._hand_over(given, tenant_id, cause)
            case ActionKind.EMIT_EVENT:
                return await self._emit(given, tenant_id, cause)
            case ActionKind.UPDATE_FACTS:
                return await self._tell(given, tenant_id, cause)
            case _:
                found = await self.finding.find_or_done(action, given, tenant_id, cause, since)
                return found if isinstance(found, str) else await self._steer(action, given, found, cause)

    async def rehearse(
        self, action: Action, seen: Mapping[str, Json], tenant_id: str, cause: Cause
    ) -> Rehearsal:
        """What doing it would begin with. Raises NothingToDo, DomainError as doing it would."""
        given = filled(action, seen)
        if action.kind is ActionKind.START_JOURNEY:
            template, id, started = await self._started(action, given, tenant_id, cause)
            if (there := await self._store.journeys.in_the_way(id, started, cause.actor)) is not None:
                raise NothingToDo(f"{there} is there already")
            return Rehearsal(
                fires=True,
                kind=action.kind,
                values=given,
                template_id=template.definition.template_id,
                template_version=template.version,
            )
        found = (
            (await self.finding.find(action, given, tenant_id)).id if action.kind.finds_a_journey else None
        )
        return Rehearsal(fires=True, kind=action.kind, values=given, journey_id=found)

    async def _started(
        self, action: Action, given: JsonObject, tenant_id: str, cause: Cause
    ) -> tuple[Template, str, list[JourneyEvent]]:
        """The template, the new journey's id and the events it starts with."""
        priority = text(given, "priority")
        request = walk.Start(
            name=text(given, "name"),
            customer_id=text(given, "customerId"),
            lead_id=text(given, "leadId"),
            priority=Priority(priority) if priority in list(Priority) else None,
            context=object_(given, "context"),
        )
        id = f"jrn_{cause.command_id}"
        template, started = await self._begun(id, action.template_id or "", None, request, tenant_id, cause)
        return template, id, started

    async def _begun(
        self,
        id: str,
        template_id: str,
        version: int | None,
        request: walk.Start,
        tenant_id: str,
        cause: Cause,
    ) -> tuple[Template, list[JourneyEvent]]:
        template = await self._store.templates.startable(tenant_id, template_id, version)
        await self._store.journeys.require_room(tenant_id, self._room)
        started = walk.start(
            id,
            template.definition,
            template.version,
            request,
            tenant_id=tenant_id,
            by=cause.actor,
            at=self._now(),
        )
        require_fit(template.definition.default_context | request.context)
        return template, started

    async def start(
        self,
        id: str,
        template_id: str,
        version: int | None,
        request: walk.Start,
        tenant_id: str,
        cause: Cause,
    ) -> Journey:
        """Start a journey with this id, of the newest active version where none is named. Twice is once. Raises
        DomainError."""
        if done := await self._store.journeys.outcome(id, cause):
            return done.state
        _, started = await self._begun(id, template_id, version, request, tenant_id, cause)
        return (await self._store.journeys.start(id, started, cause)).state

    async def _start(self, action: Action, given: JsonObject, tenant_id: str, cause: Cause) -> str:
        [done] = await self._store.journeys.many([f"jrn_{cause.command_id}"], tenant_id)
        if done is not None:  # it would find no room beside itself
            return done.id
        _, id, started = await self._started(action, given, tenant_id, cause)
        try:
            return (await self._store.journeys.start(id, started, cause)).state.id
        except JourneyExists as error:
            there = error.extra.get("journeyId") or "a journey"
            raise NothingToDo(f"{there} is there already") from None

    async def _steer(self, action: Action, given: JsonObject, journey: Journey, cause: Cause) -> str:
        reason = text(given, "reason")

        def run(current: Journey, definition: Definition, at: datetime) -> list[JourneyEvent]:
            match action.kind:
                case ActionKind.ADVANCE_JOURNEY:
                    return walk.advance(current, definition, to=text(given, "to"), at=at)
                case ActionKind.SKIP_STEP:
                    step = action.step or current.current_step
                    return walk.skip(current, definition, step=step, reason=reason or "by a trigger", at=at)
                case ActionKind.COMPLETE_JOURNEY:
                    return steer.complete(current, definition, reason=reason, at=at)
                case ActionKind.ABANDON_JOURNEY:
                    return steer.abandon(current, reason=reason, at=at)
                case _:
                    changes = object_(given, "context")
                    require_fit(current.context, changes)
                    return steer.update_context(current, definition, changes=changes, at=at)

        return (await self._store.journeys.change(journey.id, journey.tenant_id, run, cause)).state.id

    async def _touch(self, given: JsonObject, tenant_id: str, cause: Cause) -> str:
        outcome = text(given, "outcome")
        event = TouchpointAdded(
            at=self._now(),
            tenant_id=tenant_id,
            kind=text(given, "kind") or "",
            channel=text(given, "channel") or "",
            source=text(given, "source") or "journeys",
            title=text(given, "title") or text(given, "kind") or "",
            journey_id=text(given, "journeyId"),
            customer_id=text(given, "customerId"),
            lead_id=text(given, "leadId"),
            campaign=text(given, "campaign"),
            description=text(given, "description"),
            outcome=Outcome(outcome) if outcome in list(Outcome) else None,
        )
        require_valid(event, now=self._now())
        return (await self._store.touchpoints.add(f"tch_{cause.command_id}", event, cause)).state.id

    async def _hand_over(self, given: JsonObject, tenant_id: str, cause: Cause) -> str:
        target, kind = text(given, "toPackage") or "", text(given, "type") or HandoffType.AUTOMATIC.value
        if kind not in list(HandoffType):
            raise InvalidInput("It is automatic, manual or approval_required.", "type")
        package = await self._store.packages.find(tenant_id, target)
        created = HandoffCreated(
            at=self._now(),
            tenant_id=tenant_id,
            kind=HandoffType(kind),
            name=text(given, "name") or text(given, "action") or target,
            from_package=text(given, "fromPackage"),
            to_package=target,
            action=text(given, "action"),
            journey_id=text(given, "journeyId"),
            customer_id=text(given, "customerId"),
            lead_id=text(given, "leadId"),
            data=object_(given, "data"),
            limits=Limits() if package is None else package.limits,
            policy=ApprovalPolicy() if kind == HandoffType.APPROVAL_REQUIRED else None,
            requester=cause.requester,
            correlation_id=cause.correlation_id,
            depth=cause.depth,
        )
        id = f"hof_{cause.command_id}"
        events = handing.create(id, created, package, by=cause.actor, strict=False)
        return (await self._store.handoffs.create(id, events, cause)).state.id

    async def _emit(self, given: JsonObject, tenant_id: str, cause: Cause) -> str:
        report = external.Report(
            type=text(given, "type") or "",
            source="journeys",
            id=cause.command_id,
            data=object_(given, "data"),
            customer_id=text(given, "customerId"),
            lead_id=text(given, "leadId"),
        )
        now = self._now()
        if found := external.problems(report, now=now) + data_problems(report.type, report.data):
            raise InvalidInput(found[0].message, problems=found)
        envelope = external.envelope(
            report,
            tenant_id=tenant_id,
            by=cause.actor,
            now=now,
            command_id=cause.command_id,
            correlation_id=cause.correlation_id,
            causation_id=cause.causation_id,
            depth=cause.depth,
        )
        await self._store.changes.take([envelope])
        return envelope.subject

    async def _tell(self, given: JsonObject, tenant_id: str, cause: Cause) -> str:
        customer, facts = text(given, "customerId") or "", object_(given, "facts")
        changed = await self._store.customers.update_facts(tenant_id, customer, facts, self._now(), cause)
        return changed.state.id


def refusal(error: DomainError) -> str:
    """A refusal in one line."""
    return "; ".join(problem.message for problem in error.problems)[:1_000]
