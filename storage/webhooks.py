"""A tenant's webhooks. Since when one fails is written without a new revision: no person did that."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from domain import webhook as fold
from domain.errors import LimitExceeded, NotFound
from domain.webhook import Webhook, patterns
from domain.webhook_events import WebhookEvent
from storage.change import Changes
from storage.codec import Document
from storage.mongo import Mongo, translated
from storage.subject import Cause, Changed, Kind

Command = Callable[[Webhook, datetime], Sequence[WebhookEvent]]

MOST: Final = 100


def _keys(webhook: Webhook) -> Document:
    """What it is found by: its tenant, and while it is switched on each of the types that it wants."""
    if webhook.deleted:
        return {}
    keys = [pattern_key(webhook.tenant_id, each) for each in webhook.types]
    return {"listedFor": webhook.tenant_id, "eventKeys": keys if webhook.enabled else None}


def pattern_key(tenant_id: str, pattern: str) -> str:
    return f"{tenant_id}|{pattern}"


WEBHOOK: Final = Kind("webhooks", Webhook, fold.begin, fold.evolve, _keys, unrevised=("failingSince",))


class Webhooks:
    def __init__(self, mongo: Mongo, changes: Changes) -> None:
        self._changes = changes
        self._webhooks = mongo[WEBHOOK.collection]

    async def find(self, id: str) -> Webhook | None:
        """Whosever it is, also a deleted one; for the workers."""
        with translated():
            found = await self._webhooks.find_one({"_id": id})
        return WEBHOOK.read(found) if found else None

    async def get(self, id: str, tenant_id: str) -> Webhook:
        """Raises NotFound for what is not there, deleted, or another tenant's."""
        webhook = await self._changes.load(WEBHOOK, id, tenant_id)
        if webhook.deleted:
            raise NotFound(id, "id")
        return webhook

    async def many(self, ids: Iterable[str], tenant_id: str) -> dict[str, Webhook]:
        """Those of these that are the tenant's, deleted ones too, by id."""
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        with translated():
            found = await self._webhooks.find({"_id": {"$in": wanted}}).to_list(None)
        known = map(WEBHOOK.read, found)
        return {each.id: each for each in known if each.tenant_id == tenant_id}

    async def all(self, tenant_id: str) -> list[Webhook]:
        """Those that are not deleted, from new to old."""
        with translated():
            found = await self._webhooks.find({"listedFor": tenant_id}).to_list(None)
        known = map(WEBHOOK.read, found)
        return sorted(known, key=lambda each: (each.created_at, each.id), reverse=True)

    async def wanting(self, pairs: Iterable[tuple[str, str]]) -> list[Webhook]:
        """The webhooks that are switched on and want one of these (tenant, event type) pairs."""
        keys = {pattern_key(tenant, each) for tenant, type in pairs for each in patterns(type)}
        if not keys:
            return []
        with translated():
            found = await self._webhooks.find({"eventKeys": {"$in": sorted(keys)}}).to_list(None)
        return [WEBHOOK.read(each) for each in found]

    async def outcome(self, id: str, cause: Cause) -> Changed[Webhook] | None:
        """What a command did that is given again; None where it was not given before."""
        return await self._changes.outcome(WEBHOOK, id, cause)

    async def require_room(self, tenant_id: str) -> None:
        """Raises LimitExceeded where a tenant can have no more."""
        with translated():
            if await self._webhooks.count_documents({"listedFor": tenant_id}, limit=MOST) >= MOST:
                raise LimitExceeded(f"A tenant has at most {MOST} webhooks.", limit=MOST)

    async def create(self, id: str, events: Sequence[WebhookEvent], cause: Cause) -> Changed[Webhook]:
        return await self._changes.create(WEBHOOK, id, events, cause)

    async def change(
        self, id: str, tenant_id: str, command: Command, cause: Cause, *, expected: int | None = None
    ) -> Changed[Webhook]:
        """Carry a command out."""

        async def run(webhook: Webhook, now: datetime) -> Sequence[WebhookEvent]:
            return [replace(event, by=event.by or cause.actor) for event in command(webhook, now)]

        return await self._changes.change(WEBHOOK, id, tenant_id, run, cause, expected=expected)

    async def fails(self, id: str, at: datetime) -> None:
        """Note that it fails from now on, unless that is noted already."""
        with translated():
            await self._webhooks.update_one(
                {"_id": id, "failingSince": {"$exists": False}}, {"$set": {"failingSince": at}}
            )

    async def works(self, ids: Iterable[str], at: datetime) -> None:
        """Something was delivered to these at this time: what failed before is forgotten."""
        recovered = {"_id": {"$in": sorted(set(ids))}, "failingSince": {"$lte": at}}
        with translated():
            await self._webhooks.update_many(recovered, {"$unset": {"failingSince": ""}})
