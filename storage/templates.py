"""Templates in the database: one document for each version; the built-in ones are there in every tenant."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from domain import authoring
from domain.errors import AlreadyExists, InvalidInput, NotFound
from domain.identity import Actor, ActorKind
from domain.isp.templates import ISP_TEMPLATES
from domain.paging import Page, Rows, rows
from domain.template import Definition, Template
from domain.template_events import TemplateEvent
from storage import cursors
from storage.change import Changes
from storage.codec import Document
from storage.mongo import DuplicateKeyError, Mongo, translated
from storage.subject import Cause, Changed, digest
from storage.template_keys import AWAITED_BY_BUILT_IN, TEMPLATE, active_key, event_key

CACHED: Final = 2_000
SYSTEM: Final = Actor(ActorKind.SYSTEM, "journeys")


def template_key(tenant_id: str, template_id: str, version: int) -> str:
    """The id of one version's document."""
    return f"tpl_{digest(tenant_id, template_id)[:20]}_{version}"


class Templates:
    def __init__(self, mongo: Mongo, changes: Changes, now: Callable[[], datetime]) -> None:
        self._mongo, self._changes, self._now = mongo, changes, now
        self._templates = mongo[TEMPLATE.collection]
        self._equipped: OrderedDict[str, None] = OrderedDict()
        self._definitions: OrderedDict[str, Template] = OrderedDict()

    async def create(self, tenant_id: str, definition: Definition, cause: Cause) -> Changed[Template]:
        """Version 1 of a new template. Raises AlreadyExists where the tenant has one with this id."""
        await self.equip(tenant_id)
        try:
            return await self._add(tenant_id, definition, 1, cause)
        except DuplicateKeyError:
            raise AlreadyExists("There is a template with this id: make a new version of it.", "id") from None

    async def create_version(self, tenant_id: str, definition: Definition, cause: Cause) -> Changed[Template]:
        """The version after the newest one. Raises NotFound where there is no such template."""
        while True:
            newest = await self.newest(tenant_id, definition.template_id)
            if done := await self._changes.outcome(TEMPLATE, newest.id, cause):
                return done
            try:
                return await self._add(tenant_id, definition, newest.version + 1, cause)
            except DuplicateKeyError:
                continue  # somebody else made that version a moment ago

    async def switch(
        self, tenant_id: str, template_id: str, version: int | None, *, active: bool, cause: Cause
    ) -> Changed[Template]:
        """Activate or deactivate a version, the newest where none is named."""
        if version is None:
            newest = await self.newest(tenant_id, template_id)
            if done := await self._changes.outcome(TEMPLATE, newest.id, cause):
                return done
            version = newest.version
        await self.equip(tenant_id)
        id = template_key(tenant_id, template_id, version)
        command = authoring.activate if active else authoring.deactivate

        async def run(template: Template, now: datetime) -> Sequence[TemplateEvent]:
            return command(template, at=now)

        changed = await self._changes.change(TEMPLATE, id, tenant_id, run, cause)
        self._definitions.pop(id, None)
        return changed

    async def get(self, id: str, tenant_id: str) -> Template:
        """By the id of the version's document."""
        await self.equip(tenant_id)
        return await self._changes.load(TEMPLATE, id, tenant_id)

    async def many(self, ids: Sequence[str], tenant_id: str) -> dict[str, Template]:
        """Those of these versions that there are, as they are now."""
        with translated():
            found = await self._templates.find({"_id": {"$in": list(ids)}}).to_list(None)
        return {each["_id"]: TEMPLATE.read(each) for each in found if each["tenantId"] == tenant_id}

    async def version(self, tenant_id: str, template_id: str, version: int) -> Template:
        """One version, for its definition: that never changes, so it is kept. `active` may be old."""
        id = template_key(tenant_id, template_id, version)
        if id in self._definitions:
            self._definitions.move_to_end(id)
            return self._definitions[id]
        try:
            template = await self.get(id, tenant_id)
        except NotFound:
            raise NotFound(f"{template_id} version {version}", "templateId") from None
        return self._keep(template)

    def _keep(self, template: Template) -> Template:
        self._definitions[template.id] = template
        if len(self._definitions) > CACHED:
            self._definitions.popitem(last=False)
        return template

    async def versions(self, tenant_id: str, template_id: str, page: Page) -> Rows[Template]:
        """A template's versions, the newest first."""
        cursors.require(page, cursors.NUMBER)
        await self.equip(tenant_id)
        return await self._page({"tenantId": tenant_id, "templateId": template_id}, "version", page)

    async def newest(self, tenant_id: str, template_id: str, *, active: bool = False) -> Template:
        """The newest version, or the newest active one. Raises NotFound."""
        await self.equip(tenant_id)
        pipeline: list[Document] = [{"$match": {"tenantId": tenant_id, "templateId": template_id}}]
        pipeline += [{"$match": {"active": True}}] if active else []
        pipeline += [{"$sort": {"version": -1}}, {"$limit": 1}]
        found = [each async for each in self._mongo.aggregate(self._templates, pipeline)]
        if not found:
            raise NotFound(template_id, "templateId")
        return TEMPLATE.read(found[0])

    async def waiting_for(self, pairs: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """The tenants and ids of templates that may have a trigger for one of these (tenant, event type) pairs."""
        for tenant_id in {tenant_id for tenant_id, type in pairs if type in AWAITED_BY_BUILT_IN}:
            await self.equip(tenant_id)
        keys = [event_key(tenant_id, type) for tenant_id, type in pairs]
        each_once = {"_id": {"tenantId": "$tenantId", "templateId": "$templateId"}}
        pipeline: list[Document] = [{"$match": {"triggerKeys": {"$in": keys}}}, {"$group": each_once}]
        found = [each["_id"] async for each in self._mongo.aggregate(self._templates, pipeline)]
        return {(each["tenantId"], each["templateId"]) for each in found}

    async def newest_active(self, wanted: Collection[tuple[str, str]]) -> list[Template]:
        """The newest active versions of these (tenant, template id) pairs that have one, for their definitions. What
        is kept of them is not read again."""
        if not wanted:
            return []
        keys = {active_key(*pair): pair for pair in wanted}
        newest = {"_id": "$activeKey", "version": {"$max": "$version"}}
        pipeline: list[Document] = [{"$match": {"activeKey": {"$in": list(keys)}}}, {"$group": newest}]
        found = [each async for each in self._mongo.aggregate(self._templates, pipeline)]
        ids = [template_key(*keys[each["_id"]], each["version"]) for each in found]
        kept = {id: self._definitions[id] for id in ids if id in self._definitions}
        for id in kept:
            self._definitions.move_to_end(id)
        if missing := [id for id in ids if id not in kept]:
            with translated():
                read = await self._templates.find({"_id": {"$in": missing}}).to_list(None)
            kept |= {each["_id"]: self._keep(TEMPLATE.read(each)) for each in read}
        return list(kept.values())

    async def with_triggers(self, tenant_id: str) -> list[Template]:
        """The newest active version of each template that has triggers."""
        await self.equip(tenant_id)
        active: list[Document] = [{"$match": {"tenantId": tenant_id}}, {"$match": {"active": True}}]
        newest: dict[str, Template] = {}
        async for each in self._mongo.aggregate(self._templates, [*active, {"$sort": {"listKey": 1}}]):
            template = TEMPLATE.read(each)
            newest[template.definition.template_id] = template
        return [each for each in newest.values() if each.definition.triggers]

    async def startable(self, tenant_id: str, template_id: str, version: int | None) -> Template:
        """The version that a new journey follows. Raises NotFound, or InvalidInput for one that is not active."""
        if version is None:
            return await self.newest(tenant_id, template_id, active=True)
        await self.equip(tenant_id)
        template = await self.get(template_key(tenant_id, template_id, version), tenant_id)
        if not template.active:
            raise InvalidInput(f"Version {version} is not active.", "templateVersion")
        return template

    async def page(self, tenant_id: str, page: Page) -> Rows[Template]:
        """Every version of every template."""
        cursors.require(page, cursors.TEMPLATE_KEY)
        await self.equip(tenant_id)
        return await self._page({"tenantId": tenant_id}, "listKey", page)

    async def equip(self, tenant_id: str) -> None:
        """Give a tenant the built-in templates, once; their ids make a second time a no-op."""
        if tenant_id in self._equipped:
            return
        for definition in ISP_TEMPLATES:
            name = digest("built-in", tenant_id, definition.template_id)
            cause = Cause(SYSTEM, name, name)
            with translated():
                id = template_key(tenant_id, definition.template_id, 1)
                if await self._templates.find_one({"_id": id}, {"_id": 1}):
                    continue
            try:
                await self._add(tenant_id, definition, 1, cause)
            except DuplicateKeyError:
                continue
        self._equipped[tenant_id] = None
        if len(self._equipped) > CACHED:
            self._equipped.popitem(last=False)

    async def _add(
        self, tenant_id: str, definition: Definition, version: int, cause: Cause
    ) -> Changed[Template]:
        make = partial(authoring.create, definition, version, tenant_id=tenant_id)
        id = template_key(tenant_id, definition.template_id, version)
        return await self._changes.create(TEMPLATE, id, make(at=self._now()), cause)

    async def _page(self, query: Document, key: str, page: Page) -> Rows[Template]:
        bounds: Document = {}
        ahead, behind = ("$lt", "$gt") if key == "version" else ("$gt", "$lt")
        if page.after is not None:
            bounds[ahead] = int(page.after) if key == "version" else page.after
        if page.before is not None:
            bounds[behind] = int(page.before) if key == "version" else page.before
        direction = (-1 if key == "version" else 1) * (-1 if page.backwards else 1)
        cursor = self._templates.find(
            query | ({key: bounds} if bounds else {}), max_time_ms=self._mongo.timeout_ms
        )
        with translated():
            found = await cursor.sort(key, direction).limit(page.limit + 1).to_list(None)
        return rows(page, [TEMPLATE.read(each) for each in found], [str(each[key]) for each in found])
