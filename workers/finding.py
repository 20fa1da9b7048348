"""The journey that an action is meant for: found by its id, or as a live one of the event's customer or lead; and what
an action has done that the log does not know of yet."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from domain.action import Action, ActionKind, values
from domain.errors import InvalidInput, NotFound, Problem
from domain.events import StepState
from domain.journey import Journey, Status
from domain.journey_filter import JourneyFilter, JourneyOrder, TimeRange
from domain.paging import Page
from domain.values import Json, JsonObject
from storage.customers import CUSTOMER, customer_key
from storage.handoffs import HANDOFF
from storage.journeys import JOURNEY
from storage.store import Store
from storage.subject import Cause, Kind
from storage.touchpoints import TOUCHPOINT

NEWEST: Final = Page(1)
LATEST: Final = Page(10)
LIVE: Final = (Status.ACTIVE, Status.PAUSED)
CLOCKS_APART: Final = timedelta(minutes=1)


class NothingToDo(Exception):
    """The action found nothing to act on; `reason` says what it looked for. `met`: it met a live journey, but not
    where it looked for one."""

    def __init__(self, reason: str, *, met: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.met = reason, met


class Finding:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(self, action: Action, given: JsonObject, tenant_id: str) -> Journey:
        """The journey under `journeyId`, else the newest live one of the template and the customer, or the lead."""
        found: Journey | None = None
        if (id := text(given, "journeyId")) is not None:
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

    async def find_or_done(
        self, action: Action, given: JsonObject, tenant_id: str, cause: Cause, since: datetime
    ) -> Journey | str:
        """The journey, as `find` does; or the id of the one to which this was done already."""
        try:
            found = await self.find(action, given, tenant_id)
        except NothingToDo:
            done = await self._unlogged(action, given, tenant_id, cause, since)
            if done is None:
                raise
            return done
        # Asked behind the search: whoever did it before that may have left another one to be found.
        return await self._unlogged(action, given, tenant_id, cause, since, but=found.id) or found

    async def done(
        self, action: Action | None, seen: Mapping[str, Json], tenant_id: str, cause: Cause, since: datetime
    ) -> str | None:
        """The id of what this has made or changed before, whether the log knows of it or not yet. Without the action,
        the log alone can tell."""
        logged = await self._store.events.of_command(cause.command_id)
        if logged is not None or action is None:
            return None if logged is None else logged.subject
        return await self._unlogged(action, filled(action, seen), tenant_id, cause, since)

    async def _unlogged(
        self,
        action: Action,
        given: JsonObject,
        tenant_id: str,
        cause: Cause,
        since: datetime,
        *,
        but: str | None = None,
    ) -> str | None:
        """The id of what a process made or changed by this command and died before the log knew of it. `since`: before
        then the command was not given. `but`: a journey that needs no look, for its change looks itself.

        A journey may have ended by it, or gone on, or be the newest no more: it is not found where it was.
        """
        match action.kind:
            case ActionKind.START_JOURNEY:
                return await self._made(JOURNEY, f"jrn_{cause.command_id}", tenant_id)
            case ActionKind.ADD_TOUCHPOINT:
                return await self._made(TOUCHPOINT, f"tch_{cause.command_id}", tenant_id)
            case ActionKind.CREATE_HANDOFF:
                return await self._made(HANDOFF, f"hof_{cause.command_id}", tenant_id)
            case ActionKind.UPDATE_FACTS:
                customer = customer_key(tenant_id, text(given, "customerId") or "")
                return await self._changed(CUSTOMER, customer, cause)
            case ActionKind.EMIT_EVENT:
                return None  # it is nowhere but in the log
        for id in await self._recent(action, given, tenant_id, since - CLOCKS_APART):
            if id != but and (found := await self._changed(JOURNEY, id, cause)) is not None:
                return found
        return None

    async def _made(self, kind: Kind[Any, Any], id: str, tenant_id: str) -> str | None:
        """This id, which the command made, if it is there."""
        try:
            await self._store.changes.load(kind, id, tenant_id)
        except NotFound:
            return None
        return id

    async def _changed(self, kind: Kind[Any, Any], id: str, cause: Cause) -> str | None:
        """The id of what the command has changed, if it is this or the log knows of it by now."""
        done = await self._store.changes.outcome(kind, id, cause)
        return None if done is None else str(done.state.id)

    async def _recent(self, action: Action, given: JsonObject, tenant_id: str, since: datetime) -> list[str]:
        """The journeys that may be meant and have changed since then."""
        if (id := text(given, "journeyId")) is not None:
            return [id]
        found: list[str] = []
        for theirs in _theirs(action, given):
            wanted = replace(theirs, last_activity=TimeRange(since=since))
            rows = await self._store.journeys.page(tenant_id, wanted, JourneyOrder.LAST_ACTIVITY, LATEST)
            found += [each.id for each in rows.items]
        return found


def filled(action: Action, seen: Mapping[str, Json]) -> JsonObject:
    """The values that an action is done with; the event's customer and lead where it names no others."""
    given = nested(values(action, seen))
    for name in ("customerId", "leadId"):
        if given.get(name) is None and seen.get(name) is not None:
            given[name] = seen[name]
    return given


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


def _theirs(action: Action, given: JsonObject) -> list[JourneyFilter]:
    """Which journeys may be meant: the customer's, then the lead's."""
    customer, lead, template = text(given, "customerId"), text(given, "leadId"), action.template_id
    found = [] if customer is None else [JourneyFilter(template_id=template, customer_id=customer)]
    return found if lead is None else [*found, JourneyFilter(template_id=template, lead_id=lead)]


def _at(journey: Journey, step: str | None) -> bool:
    return journey.current_step == step and journey.current.state is StepState.ACTIVE


def text(given: JsonObject, name: str) -> str | None:
    value = given.get(name)
    return str(value)[:200] if isinstance(value, str | int | float) and value != "" else None


def object_(given: JsonObject, name: str) -> JsonObject:
    value = given.get(name)
    return dict(value) if isinstance(value, dict) else {}
