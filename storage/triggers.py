"""Triggers in the database. The built-in ones, and those of active templates, are there without a document until the
tenant changes them; only those that come with the time have one from the start, which follows the template."""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Final

from domain import trigger as fold
from domain.errors import Conflict, LimitExceeded, NotFound
from domain.isp.triggers import SHIPPED
from domain.paging import Page, Rows, rows
from domain.rule import Rule, awaited
from domain.template import Template, TriggerType
from domain.trigger import Trigger, TriggerCreated, TriggerEvent
from domain.values import timestamp
from storage import cursors
from storage.built_in import BuiltIn, of_version
from storage.change import Changes
from storage.codec import Document
from storage.mongo import DuplicateKeyError, Mongo, translated
from storage.subject import Cause, Changed, Kind, digest
from storage.template_keys import active_key, event_key
from storage.templates import SYSTEM, Templates

Command = Callable[[Trigger, datetime], Sequence[TriggerEvent]]

MOST: Final = 1_000
PAIRS_AT_ONCE: Final = 500  # of tenant and event type


def _keys(trigger: Trigger) -> Document:
    return {
        "createdKey": f"{timestamp(trigger.created_at)}|{trigger.id}",
        "wakeAt": trigger.wake_at,
        "eventKey": _event_key(trigger),
        "followKey": active_key(trigger.tenant_id, trigger.follows) if trigger.follows else None,
        "listedFor": None if trigger.deleted or trigger.follows else trigger.tenant_id,
    }


def _event_key(trigger: Trigger) -> str | None:
    """What it is found by when an event comes, while it is switched on."""
    waited = awaited(trigger.rule)
    on = trigger.active and not trigger.deleted
    return event_key(trigger.tenant_id, waited) if on and waited is not None else None


TRIGGER: Final = Kind("triggers", Trigger, fold.begin, fold.evolve, _keys)


class Triggers:
    def __init__(
        self, mongo: Mongo, changes: Changes, templates: Templates, now: Callable[[], datetime]
    ) -> None:
        self._mongo, self._changes, self._templates, self._now = mongo, changes, templates, now
        self._triggers = mongo[TRIGGER.collection]
        self._built_in = BuiltIn(templates)

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
        if await self._find(id) is None and (built_in := (await self._built_in.all(tenant_id)).get(id)):
            if expected:
                raise Conflict(0)
            with suppress(DuplicateKeyError):  # somebody else changed it a moment ago
                return await self._make(built_in, command, cause)
        return await self._change(id, tenant_id, command, cause, expected)

    async def get(self, id: str, tenant_id: str) -> Trigger:
        """Raises NotFound."""
        found = await self._find(id)
        if found is not None and found.tenant_id == tenant_id:
            return found
        built_in = (await self._built_in.all(tenant_id)).get(id)
        if built_in is None:
            raise NotFound(id, "id")
        return built_in

    async def follow(self, template: Template, cause: Cause) -> None:
        """See to it that a template's scheduled triggers have a document, and that each document that follows the
        template is as its newest active version says. What a person has changed stays."""
        if template.version == template.revision == 1 and not any(map(_scheduled, of_version(template))):
            return  # just made: nothing follows it yet
        pair = (template.tenant_id, template.definition.template_id)
        newest = await self._templates.newest_active([pair])
        while True:
            await self._follow(pair, [each for version in newest for each in of_version(version)], cause)
            # Who looked before another version came, and wrote after its follower did, looks again.
            before, newest = newest, await self._templates.newest_active([pair])
            if [each.id for each in before] == [each.id for each in newest]:
                return

    async def _follow(self, template: tuple[str, str], said: Sequence[Trigger], cause: Cause) -> None:
        with translated():
            found = self._triggers.find({"followKey": active_key(*template)}, {"_id": 1})
            following = {each["_id"] for each in await found.to_list(None)}
        rules = {each.id: each.rule for each in said}
        for each in filter(_scheduled, said):
            if each.id not in following and await self._find(each.id) is None:
                with suppress(DuplicateKeyError):  # somebody else made it a moment ago
                    await self._make(each, _followed(each.rule), _of(cause, each.id))
                following.add(each.id)
        for id in sorted(following):
            await self._change(id, template[0], _followed(rules.get(id)), _of(cause, id))

    async def _make(self, built_in: Trigger, command: Command, cause: Cause) -> Changed[Trigger]:
        """The document of one that was there without. Raises DuplicateKeyError where there is one."""
        made = TriggerCreated(
            at=SHIPPED,
            by=SYSTEM,
            tenant_id=built_in.tenant_id,
            rule=built_in.rule,
            follows=built_in.follows,
        )
        events = [made, *command(built_in, self._now())]
        return await self._changes.create(TRIGGER, built_in.id, events, cause)

    async def _change(
        self, id: str, tenant_id: str, command: Command, cause: Cause, expected: int | None = None
    ) -> Changed[Trigger]:
        async def run(trigger: Trigger, now: datetime) -> Sequence[TriggerEvent]:
            return command(trigger, now)

        return await self._changes.change(TRIGGER, id, tenant_id, run, cause, expected=expected)

    async def concerning(self, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[Trigger]]:
        """The active triggers that wait for these (tenant, event type) pairs, the first to fire at the front. As many
        queries for all of them as for one."""
        pairs, found = iter(set(wanted)), dict[tuple[str, str], list[Trigger]]()
        while some := set(islice(pairs, PAIRS_AT_ONCE)):
            found |= {pair: [] for pair in some}
            for each in await self._waiting(some):
                waited = awaited(each.rule)
                if each.active and waited is not None and (each.tenant_id, waited) in some:
                    found[each.tenant_id, waited].append(each)
        for triggers in found.values():
            triggers.sort(key=lambda each: (each.rule.priority, each.id))
        return found

    async def _waiting(self, pairs: Collection[tuple[str, str]]) -> Collection[Trigger]:
        """The triggers that may wait for these pairs, each as its document says where it has one."""
        waiting = await self._built_in.waiting_for(pairs)
        queries = [{"_id": {"$in": list(waiting)}}] if waiting else []
        for query in (*queries, {"eventKey": {"$in": [event_key(*pair) for pair in pairs]}}):
            with translated():
                own = await self._triggers.find(query).to_list(None)
            waiting |= {each.id: each for each in map(TRIGGER.read, own)}
        return waiting.values()

    async def all(self, tenant_id: str) -> list[Trigger]:
        """Every trigger of a tenant that is not deleted."""
        shipped = await self._built_in.all(tenant_id)
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


def _scheduled(trigger: Trigger) -> bool:
    return trigger.rule.type is TriggerType.SCHEDULED


def _followed(rule: Rule | None) -> Command:
    return lambda trigger, at: fold.follow(trigger, rule, at=at)


def _of(cause: Cause, id: str) -> Cause:
    """The cause of one of several commands that follow from an event."""
    return replace(cause, command_id=digest(cause.command_id, id))
