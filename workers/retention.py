"""Retention: about once an hour, what a tenant keeps no longer is deleted, one small batch after the other.

A sweep is claimed for a while on the tenant's settings. A worker that dies leaves it where it was, and the next one
goes on there; were two at the same sweep, neither would delete what the other must not.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from domain.errors import DomainError, Unavailable
from domain.retention import Retention
from storage.expiry import BATCH, EXPIRING, Expiring
from storage.store import Store

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 20.0
TENANTS: Final = 20  # at a look; the rest with the next one
EVERY: Final = timedelta(hours=1)
CLAIM: Final = timedelta(minutes=2)  # a batch takes seconds at most


class RetentionWorker:
    def __init__(
        self,
        store: Store,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        *,
        batch: int = BATCH,
        expiring: Sequence[Expiring] = EXPIRING,
    ) -> None:
        self._store, self._now, self._new_id = store, now, new_id
        self._batch, self._expiring = batch, expiring

    async def run(self) -> None:
        """Sweep what is due, for ever."""
        while True:
            try:
                await self.poll()
            except DomainError as error:
                log.warning("Retention tries again: %s", error.message)
            except Exception:
                log.exception("Retention tries again")
            await asyncio.sleep(POLL_SECONDS)

    async def poll(self) -> int:
        """Do the sweeps that are due; how many documents went. One that fails is taken up later, where it was."""
        deleted = 0
        for settings in await self._store.retention.due(self._now(), TENANTS):
            try:
                deleted += await self._sweep(settings)
            except Unavailable:
                raise
            except Exception as error:
                log.warning("What %s keeps no longer is deleted later: %r", settings.tenant_id, error)
        return deleted

    async def _sweep(self, settings: Retention) -> int:
        claim, retention = self._new_id(), self._store.retention
        if not await retention.take(settings, claim, self._now() + CLAIM):
            return 0
        deleted = 0
        name, _, reached = (settings.place or "").partition("|")
        collections = [each.collection for each in self._expiring]
        left = self._expiring[collections.index(name) if name in collections else 0 :]
        for expiring in left:
            until = settings.span(expiring.part).until(self._now())
            behind: str | None = reached if expiring.collection == name else ""
            while until is not None and behind is not None:
                began = asyncio.get_running_loop().time()
                batch = await self._store.expiry.sweep(
                    expiring,
                    settings.tenant_id,
                    until=until,
                    now=self._now(),
                    behind=behind,
                    limit=self._batch,
                )
                deleted, behind = deleted + batch.deleted, batch.last
                if behind is None:
                    break
                place = f"{expiring.collection}|{behind}"
                if not await retention.went_on(settings, claim, place, self._now() + CLAIM):
                    return deleted
                # Whatever else the database has to do gets as much time as this.
                await asyncio.sleep(asyncio.get_running_loop().time() - began)
        if await retention.finish(settings, claim, self._now() + EVERY) and deleted:
            log.info("%s documents of %s were older than it keeps them.", f"{deleted:,}", settings.tenant_id)
        return deleted
