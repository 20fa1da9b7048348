"""Triggers in the database. The built-in ones, and those of active templates, are there without a document until the
tenant changes them."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from domain import trigger as fold
from domain.errors import Conflict, LimitExceeded, NotFound
from domain.isp.triggers import ISP_TRIGGERS, SHIPPED, of_template
from domain.paging import Page, Rows, rows
from domain.rule import Rule, awaited, waits_for
from domain.template import Template
from domain.trigger import Trigger, TriggerCreated, TriggerEvent
from domain.values import timestamp
from storage import cursors
from storage.change import Changes
from storage.codec import Document
from storage.mongo import DuplicateKeyError, Mongo, translated
from storage.subject import Cause, Changed, Kind, digest
from storage.templates import SYSTEM, Templates, event_key

Command = Callable[[Trigger, datetime], Sequence[TriggerEvent]]

MOST: Final = 1_000


def _keys(trigger: Trigger) -> Document:
    return {
        "createdKey": f"{timestamp(trigger.created_at)}|{trigger.id}",
        "wakeAt": trigger.wake_at,
        "eventKey": _event_key(trigger),
        "listedFor": None if trigger.deleted else trigger.tenant_id,
    }


def _event_key(trigger: Trigger) -> str | None:
    """What it is found by when an event comes, while it is switched on."""
    waited = awaited(trigger.rule)
    on = trigger.active and not trigger.deleted
    return event_key(trigger.tenant_id, waited) if on and waited is not None else None


TRIGGER: Final = Kind("triggers", Trigger, fold.begin, fold.evolve, _keys)


def built_in_id(tenant_id: str, name: str) -> str:
    return f"trg_{digest('built-in', tenant_id, name)}"


class Triggers:
    def __init__(
        self, mongo: Mongo, changes: Changes, templates: Templates, now: Callable[[], datetime]
    ) -> None:
        self._mongo, self._changes, self._templates, self._now = mongo, changes, templates, now
        self._triggers = mongo[TRIGGER.collection]

    async def create(self, id: str, tenant_id: str, rule: Rule, cause: Cause) -> Changed[Trigger]:
        """Raises LimitExceeded for one too many, InvalidInput for a rule that could not work."""
        if done := await self._changes.outcome(TRIGGER, id, cause):
            return done
        with translated():
            if await self._triggers.count_documents({"listedFor": tenant_id}, limit=MOST) >= MOST:
                raise LimitExceeded(f"A tenant has at most {MOST} triggers of its own.", limit=MOST)
        events = fold.create(rule, tenant_id=tenant_id, at=self._now())
        return await self._changes.create(TRIGGER, id, events, cause)

    async def change(
        self, id: str, tenant_id: str, command: Command, cause: Cause, *, expected: int | None = None
    ) -> Changed[Trigger]:
        """Carry a command out. A built-in trigger gets a document of its own with its first change."""
        built_in = next((each for each in await self._without(tenant_id) if each.id == id), None)
        if built_in is not None and await self._find(id) is None:
            if expected:
                raise Conflict(0)
            made = TriggerCreated(at=SHIPPED, by=SYSTEM, tenant_id=tenant_id, rule=built_in.rule)
            with suppress(DuplicateKeyError):  # somebody else changed it a moment ago
                events = [made, *command(built_in, self._now())]
                return await self._changes.create(TRIGGER, id, events, cause)

        async def run(trigger: Trigger, now: datetime) -> Sequence[TriggerEvent]:
            return command(trigger, now)

        return await self._changes.change(TRIGGER, id, tenant_id, run, cause, expected=expected)

    async def get(self, id: str, tenant_id: str) -> Trigger:
        """Raises NotFound."""
        found = await self._find(id)
        if found is not None and found.tenant_id == tenant_id:
            return found
        built_in = next((each for each in await self._without(tenant_id) if each.id == id), None)
        if built_in is None:
            raise NotFound(id, "id")
        return built_in

    async def concerning(self, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[Trigger]]:
        """The active triggers that wait for these (tenant, event type) pairs, the first to fire at the front."""
        pairs = set(wanted)
        found: dict[tuple[str, str], dict[str, Trigger]] = {pair: {} for pair in pairs}
        for tenant_id, type in pairs:
            for each in await self._shipped(tenant_id, type):
                found[tenant_id, type][each.id] = each
        shipped = [id for triggers in found.values() for id in triggers]
        keys = [event_key(tenant_id, type) for tenant_id, type in pairs]
        for query in ({"eventKey": {"$in": keys}}, {"_id": {"$in": shipped}}) if pairs else ():
            with translated():
                own = map(TRIGGER.read, await self._triggers.find(query).to_list(None))
            for each in own:
                for (tenant_id, type), triggers in found.items():
                    triggers.pop(each.id, None)
                    if each.tenant_id == tenant_id and each.active and waits_for(each.rule, type):
                        triggers[each.id] = each
        return {
            pair: sorted(triggers.values(), key=lambda each: (each.rule.priority, each.id))
            for pair, triggers in found.items()
        }

    async def all(self, tenant_id: str) -> list[Trigger]:
        """Every trigger of a tenant that is not deleted."""
        shipped = {each.id: each for each in await self._without(tenant_id)}
        own: dict[str, Trigger] = {}
        for query in ({"listedFor": tenant_id}, {"_id": {"$in": list(shipped)}}):
            with translated():
                found = await self._triggers.find(query).to_list(None)
            own |= {each.id: each for each in map(TRIGGER.read, found)}
        return [each for each in (shipped | own).values() if not each.deleted]

    async def page(self, tenant_id: str, page: Page) -> Rows[Trigger]:
        """Those that are not deleted, from new to old."""
        cursors.require(page, cursors.TIME_KEY)
        keyed = [(_keys(each)["createdKey"], each) for each in await self.all(tenant_id)]
        after, before = page.after or "~", page.before or ""
        wanted = sorted(
            ((k, t) for k, t in keyed if before < k < after), key=lambda pair: pair[0], reverse=True
        )
        if page.backwards:
            wanted.reverse()
        cut = wanted[: page.limit + 1]
        return rows(page, [each for _, each in cut], [key for key, _ in cut])

    async def due(self, now: datetime, limit: int) -> list[Trigger]:
        """Scheduled triggers whose time has come."""
        with translated():
            found = self._triggers.find({"wakeAt": {"$lte": now}}).sort("wakeAt", 1).limit(limit)
            return [TRIGGER.read(each) for each in await found.to_list(None)]

    async def _find(self, id: str) -> Trigger | None:
        with translated():
            found = await self._triggers.find_one({"_id": id})
        return None if found is None else TRIGGER.read(found)

    async def _shipped(self, tenant_id: str, type: str) -> list[Trigger]:
        """Those without a document that wait for this type: built in, or of the newest active version of a
        template."""
        rules = {f"isp:{name}": rule for name, rule in ISP_TRIGGERS.items() if waits_for(rule, type)}
        for template_id in await self._templates.waiting_for(tenant_id, type):
            with suppress(NotFound):
                template = await self._templates.newest(tenant_id, template_id, active=True)
                rules |= {name: rule for name, rule in _of(template).items() if waits_for(rule, type)}
        return [_built_in(tenant_id, name, rule) for name, rule in rules.items()]

    async def _without(self, tenant_id: str) -> list[Trigger]:
        """All triggers that are there without a document."""
        rules = {f"isp:{name}": rule for name, rule in ISP_TRIGGERS.items()}
        for template in await self._templates.with_triggers(tenant_id):
            rules |= _of(template)
        return [_built_in(tenant_id, name, rule) for name, rule in rules.items()]


def _of(template: Template) -> dict[str, Rule]:
    """The rules of a template's own triggers, by name."""
    definition = template.definition
    return {
        f"template:{definition.template_id}:{each.id}": of_template(definition.template_id, each)
        for each in definition.triggers
        if each.active
    }


def _built_in(tenant_id: str, name: str, rule: Rule) -> Trigger:
    return Trigger(
        id=built_in_id(tenant_id, name),
        tenant_id=tenant_id,
        rule=rule,
        created_at=SHIPPED,
        created_by=SYSTEM,
        updated_at=SHIPPED,
    )
