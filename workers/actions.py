"""Actions: what a trigger, or an automated step, does. Each is one command whose id its cause makes, so that doing it
again does nothing."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from domain import external, handing, steer, walk
from domain.approval import ApprovalPolicy
from domain.errors import DomainError, InvalidInput, JourneyExists, Problem
from domain.events import Outcome, Priority, StepState
from domain.handoff_events import HandoffCreated, HandoffType
from domain.journey import Journey, Status
from domain.journey_events import JourneyEvent
from domain.journey_filter import JourneyFilter, JourneyOrder
from domain.paging import Page
from domain.record_events import TouchpointAdded
from domain.rehearsal import Rehearsal
from domain.rule import Action, ActionKind, values
from domain.template import Definition, Template
from domain.touchpoint import require_valid
from domain.values import Json, JsonObject
from storage.store import Store
from storage.subject import Cause

NEWEST: Final = Page(1)
LATEST: Final = Page(10)
LIVE: Final = (Status.ACTIVE, Status.PAUSED)


class NothingToDo(Exception):
    """The action found nothing to act on; `reason` says what it looked for. `met`: it met a live journey, but not
    where it looked for one."""

    def __init__(self, reason: str, *, met: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.met = reason, met


class Actions:
    """`room` is how many active journeys a tenant may have."""

    def __init__(self, store: Store, now: Callable[[], datetime], *, room: int) -> None:
        self._store, self._now, self._room = store, now, room

    async def perform(self, action: Action, seen: Mapping[str, Json], tenant_id: str, cause: Cause) -> str:
        """Do it; the id of what was made or changed. Raises NothingToDo, DomainError."""
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
                return await self._steer(action, given, tenant_id, cause)

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
        found = (await self._find(action, given, tenant_id)).id if action.kind.finds_a_journey else None
        return Rehearsal(fires=True, kind=action.kind, values=given, journey_id=found)

    async def _started(
        self, action: Action, given: JsonObject, tenant_id: str, cause: Cause
    ) -> tuple[Template, str, list[JourneyEvent]]:
        """The template, the new journey's id and the events it starts with."""
        template = await self._store.templates.startable(tenant_id, action.template_id or "", None)
        await self._store.journeys.require_room(tenant_id, self._room)
        priority = _text(given, "priority")
        request = walk.Start(
            name=_text(given, "name"),
            customer_id=_text(given, "customerId"),
            lead_id=_text(given, "leadId"),
            priority=Priority(priority) if priority in list(Priority) else None,
            context=_object(given, "context"),
        )
        id = f"jrn_{cause.command_id}"
        started = walk.start(
            id,
            template.definition,
            template.version,
            request,
            tenant_id=tenant_id,
            by=cause.actor,
            at=self._now(),
        )
        return template, id, started

    async def _start(self, action: Action, given: JsonObject, tenant_id: str, cause: Cause) -> str:
        _, id, started = await self._started(action, given, tenant_id, cause)
        try:
            return (await self._store.journeys.start(id, started, cause)).state.id
        except JourneyExists as error:
            there = error.extra.get("journeyId") or "a journey"
            raise NothingToDo(f"{there} is there already") from None

    async def _steer(self, action: Action, given: JsonObject, tenant_id: str, cause: Cause) -> str:
        try:
            journey = await self._find(action, given, tenant_id)
        except NothingToDo:
            done = await self._done_unlogged(action, given, tenant_id, cause)
            if done is None:
                raise
            return done
        reason = _text(given, "reason")

        def run(current: Journey, definition: Definition, at: datetime) -> list[JourneyEvent]:
            match action.kind:
                case ActionKind.ADVANCE_JOURNEY:
                    return walk.advance(current, definition, to=_text(given, "to"), at=at)
                case ActionKind.SKIP_STEP:
                    step = action.step or current.current_step
                    return walk.skip(current, definition, step=step, reason=reason or "by a trigger", at=at)
                case ActionKind.COMPLETE_JOURNEY:
                    return steer.complete(current, definition, reason=reason, at=at)
                case ActionKind.ABANDON_JOURNEY:
                    return steer.abandon(current, reason=reason, at=at)
                case _:
                    return steer.update_context(current, definition, changes=_object(given, "context"), at=at)

        return (await self._store.journeys.change(journey.id, tenant_id, run, cause)).state.id

    async def _find(self, action: Action, given: JsonObject, tenant_id: str) -> Journey:
        """The journey under `journeyId`, else the newest live one of the template and the customer, or the lead."""
        found: Journey | None = None
        if (id := _text(given, "journeyId")) is not None:
            [found] = await self._store.journeys.many([id], tenant_id)
        else:
            for wanted in _theirs(action, given):
                live = replace(wanted, status=LIVE)
                rows = await self._store.journeys.page(tenant_id, live, JourneyOrder.CREATED_AT, NEWEST)
                found = next(iter(rows.items), None)
                if found is not None:
                    break
        if found is None:
            of = f" of {action.template_id}" if action.template_id else ""
            raise NothingToDo(f"there is no live journey{of}")
        here = action.step is None or action.kind is ActionKind.SKIP_STEP
        if not (here or _at(found, action.step)):
            raise NothingToDo(f"{found.id} is not at {action.step}", met=True)
        return found

    async def _done_unlogged(
        self, action: Action, given: JsonObject, tenant_id: str, cause: Cause
    ) -> str | None:
        """The journey on which a process did this and died before the log knew of it: the journey has gone on since,
        so it is not found where it was."""
        for wanted in _theirs(action, given):
            rows = await self._store.journeys.page(tenant_id, wanted, JourneyOrder.LAST_ACTIVITY, LATEST)
            for each in rows.items:
                if await self._store.journeys.outcome(each.id, cause) is not None:
                    return each.id
        return None

    async def _touch(self, given: JsonObject, tenant_id: str, cause: Cause) -> str:
        outcome = _text(given, "outcome")
        event = TouchpointAdded(
            at=self._now(),
            tenant_id=tenant_id,
            kind=_text(given, "kind") or "",
            channel=_text(given, "channel") or "",
            source=_text(given, "source") or "journeys",
            title=_text(given, "title") or _text(given, "kind") or "",
            journey_id=_text(given, "journeyId"),
            customer_id=_text(given, "customerId"),
            lead_id=_text(given, "leadId"),
            campaign=_text(given, "campaign"),
            description=_text(given, "description"),
            outcome=Outcome(outcome) if outcome in list(Outcome) else None,
        )
        require_valid(event, now=self._now())
        return (await self._store.touchpoints.add(f"tch_{cause.command_id}", event, cause)).state.id

    async def _hand_over(self, given: JsonObject, tenant_id: str, cause: Cause) -> str:
        target, kind = _text(given, "toPackage") or "", _text(given, "type") or HandoffType.AUTOMATIC.value
        if kind not in list(HandoffType):
            raise InvalidInput("It is automatic, manual or approval_required.", "type")
        created = HandoffCreated(
            at=self._now(),
            tenant_id=tenant_id,
            kind=HandoffType(kind),
            name=_text(given, "name") or _text(given, "action") or target,
            from_package=_text(given, "fromPackage"),
            to_package=target,
            action=_text(given, "action"),
            journey_id=_text(given, "journeyId"),
            customer_id=_text(given, "customerId"),
            lead_id=_text(given, "leadId"),
            data=_object(given, "data"),
            policy=ApprovalPolicy() if kind == HandoffType.APPROVAL_REQUIRED else None,
            requester=cause.requester,
            correlation_id=cause.correlation_id,
            depth=cause.depth,
        )
        package = await self._store.packages.find(tenant_id, target)
        if package is not None:
            created = replace(created, limits=package.limits)
        id = f"hof_{cause.command_id}"
        events = handing.create(id, created, package, by=cause.actor, strict=False)
        return (await self._store.handoffs.create(id, events, cause)).state.id

    async def _emit(self, given: JsonObject, tenant_id: str, cause: Cause) -> str:
        report = external.Report(
            type=_text(given, "type") or "",
            source="journeys",
            id=cause.command_id,
            data=_object(given, "data"),
            customer_id=_text(given, "customerId"),
            lead_id=_text(given, "leadId"),
        )
        now = self._now()
        if found := external.problems(report, now=now):
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
        customer, facts = _text(given, "customerId") or "", _object(given, "facts")
        changed = await self._store.customers.update_facts(tenant_id, customer, facts, self._now(), cause)
        return changed.state.id


def filled(action: Action, seen: Mapping[str, Json]) -> JsonObject:
    """The values that an action is done with; the event's customer and lead where it names no others."""
    given = nested(values(action, seen))
    for name in ("customerId", "leadId"):
        if given.get(name) is None and seen.get(name) is not None:
            given[name] = seen[name]
    return given


def _theirs(action: Action, given: JsonObject) -> list[JourneyFilter]:
    """Which journeys may be meant: the customer's, then the lead's."""
    customer, lead, template = _text(given, "customerId"), _text(given, "leadId"), action.template_id
    found = [] if customer is None else [JourneyFilter(template_id=template, customer_id=customer)]
    return found if lead is None else [*found, JourneyFilter(template_id=template, lead_id=lead)]


def nested(flat: JsonObject) -> JsonObject:
    """`{"context.score": 1}` as `{"context": {"score": 1}}`."""
    deep: JsonObject = {}
    for key, value in flat.items():
        *path, last = key.split(".")
        place = deep
        for part in path:
            inner = place.setdefault(part, {})
            if not isinstance(inner, dict):
                raise InvalidInput(
                    "Two values lie in each other.", problems=[Problem("It is in another one.", (key,))]
                )
            place = inner
        old = place.get(last)
        if isinstance(
            value, dict
        ):  # a copy: the next key may lead into it, and the constants are everybody's
            place[last] = {**(old if isinstance(old, dict) else {}), **value}
        else:
            place[last] = value
    return deep


def _at(journey: Journey, step: str | None) -> bool:
    return journey.current_step == step and journey.current.state is StepState.ACTIVE


def _text(given: JsonObject, name: str) -> str | None:
    value = given.get(name)
    return str(value)[:200] if isinstance(value, str | int | float) and value != "" else None


def _object(given: JsonObject, name: str) -> JsonObject:
    value = given.get(name)
    return dict(value) if isinstance(value, dict) else {}


def refusal(error: DomainError) -> str:
    """A refusal in one line."""
    return "; ".join(problem.message for problem in error.problems)[:1_000]
