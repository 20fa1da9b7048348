"""The journey that an action is meant for: found by its id, or as a live one of the event's customer or lead."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from domain.action import Action, ActionKind, values
from domain.errors import InvalidInput, Problem
from domain.events import StepState
from domain.journey import Journey, Status
from domain.journey_filter import JourneyFilter, JourneyOrder
from domain.paging import Page
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

    async def done_unlogged(
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
