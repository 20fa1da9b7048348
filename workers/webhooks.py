"""Webhooks at work: deliver what is due, at least once, and switch off what has failed for days.

A delivery is claimed by compare-and-set, with a lease that is renewed while its address is called. A worker that dies
loses the lease, and the next one goes on: the receiver knows by the message's id what it has had.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from domain import delivery as fold
from domain import webhook as webhooks
from domain.delivery import GONE, Delivery, Response
from domain.errors import DomainError, Unavailable
from domain.webhook import Webhook
from domain.webhook_events import WebhookEvent
from storage.store import Store
from storage.subject import Cause, digest
from storage.templates import SYSTEM
from workers.dispatch import Dispatch
from workers.lease import held
from workers.webhook_calls import WebhookCalls

log = logging.getLogger(__name__)

RECORD_TRIES: Final = 10
RECORD_SECONDS: Final = 0.5
NOTE_SECONDS: Final = 1.0
TIDY_SECONDS: Final = 60.0
BUSY: Final = 500  # a status from which on the address is in trouble


class WebhookWorker:
    """`lease`: how long a worker that dies holds an attempt up, in seconds. `patience`: how long calls under way may
    take in the end. `chance` gives numbers from 0 to 1."""

    def __init__(
        self,
        store: Store,
        calls: WebhookCalls,
        now: Callable[[], datetime],
        *,
        new_id: Callable[[], str],
        chance: Callable[[], float],
        slots: int = 64,
        lease: float = 15.0,
        patience: float = 5.0,
    ) -> None:
        self._store, self._calls, self._now = store, calls, now
        self._new_id, self._chance, self._lease = new_id, chance, lease
        self._dispatch: Dispatch[Delivery] = Dispatch(
            "deliveries", store.deliveries, self._one, now, chance=chance, slots=slots, patience=patience
        )
        self._working: set[str] = set()  # webhooks to which something was delivered, until that is noted

    def wake(self, queue: str) -> None:
        """There is something to do in this queue."""
        self._dispatch.wake(queue)

    async def run(self) -> None:
        """Do what is due, for ever."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._dispatch.run())
                tasks.create_task(self._note_often())
                tasks.create_task(self._tidy_often())
        finally:
            with suppress(DomainError):
                await self.note()

    async def note(self) -> None:
        """Write down which webhooks work: one write for all, however much was delivered."""
        if self._working:
            working, self._working = self._working, set()
            try:
                await self._store.webhooks.works(working, self._now())
            except BaseException:  # also where it is told to end: it notes once more then
                self._working |= working
                raise

    async def tidy(self) -> int:
        """Delete what is kept no longer; how many."""
        deleted = 0
        while batch := await self._store.deliveries.expire(self._now()):
            deleted += batch
            await asyncio.sleep(0)
        return deleted

    async def _one(self, delivery: Delivery, queue: str) -> None:
        target = await self._calls.target(delivery.webhook_id)
        if target.webhook is None or not target.webhook.enabled:
            await self._not_now(delivery)
            return
        name, lease, began = self._new_id(), timedelta(seconds=self._lease), _clock()
        wanted = fold.claim(delivery, name=name, lease=lease, at=self._now())
        claimed = await self._store.deliveries.write(delivery, wanted)
        if claimed is None or claimed.claim != name:
            return  # somebody else is at it, or its time is over
        envelope = await self._store.events.get(claimed.event_id, claimed.tenant_id)
        if envelope is None:
            gone = fold.die(claimed, at=self._now(), error="The event is kept no longer.")
            await self._store.deliveries.record(claimed, gone)
            return

        async def renew() -> bool:
            return await self._store.deliveries.renew(claimed, self._now() + lease)

        response = await held(
            lambda: self._calls.call(target, claimed, envelope), renew, seconds=self._lease, since=began
        )
        if response is None:
            log.warning("The lease of %s was lost", claimed.id)
            return
        if response.status is None or response.status >= BUSY:
            self._dispatch.failed(queue)
        else:
            self._dispatch.succeeded(queue)
        await self._insist(claimed, response)
        await self._judge(target.webhook, response)

    async def _not_now(self, delivery: Delivery) -> None:
        """Its webhook is switched off, or deleted. That is looked at again behind the delivery: whoever switches it
        on after that makes the delivery due anew, and what is written here no longer fits."""
        self._calls.forget(delivery.webhook_id)
        webhook, at = await self._store.webhooks.find(delivery.webhook_id), self._now()
        if webhook is None or webhook.deleted:
            after = fold.die(delivery, at=at, error="The webhook was deleted.")
        elif not webhook.enabled:
            after = fold.park(delivery, at=at)
        else:
            return  # the next turn finds it switched on
        await self._store.deliveries.write(delivery, after)

    async def _insist(self, claimed: Delivery, response: Response) -> None:
        """The address has answered: that is recorded, even if the database is away for some seconds."""
        after = fold.answered(claimed, response, jitter=self._chance(), at=self._now())
        for tries_left in range(RECORD_TRIES, 0, -1):
            try:
                await self._store.deliveries.record(claimed, after)
            except Unavailable:
                if tries_left == 1:
                    raise
                await asyncio.sleep(RECORD_SECONDS)
            else:
                return

    async def _judge(self, webhook: Webhook, response: Response) -> None:
        """What the answer means for the webhook."""
        if response.succeeded:
            self._working.add(webhook.id)
        elif response.status == GONE:
            await self._switch_off(webhook, lambda each, at: webhooks.gone(each, at=at))
        elif webhook.failing_since is None:
            await self._store.webhooks.fails(webhook.id, self._now())
        elif webhooks.give_up(webhook, at=self._now()):
            await self._give_up(webhook, webhook.failing_since)

    async def _give_up(self, webhook: Webhook, since: datetime) -> None:
        """Switch off what has failed for days, unless something was delivered since: a worker that died may have left
        that unnoted."""
        delivered = await self._store.deliveries.delivered_after(webhook.id, since)
        if delivered is None:
            await self._switch_off(webhook, lambda each, at: webhooks.give_up(each, at=at))
            return
        await self._store.webhooks.works([webhook.id], delivered)
        await self._store.webhooks.fails(webhook.id, self._now())
        self._calls.forget(webhook.id)

    async def _switch_off(
        self, webhook: Webhook, command: Callable[[Webhook, datetime], list[WebhookEvent]]
    ) -> None:
        name = digest("off", webhook.id, self._new_id())
        cause = Cause(SYSTEM, name, webhook.id)
        await self._store.webhooks.change(webhook.id, webhook.tenant_id, command, cause)
        self._calls.forget(webhook.id)

    async def _note_often(self) -> None:
        while True:
            await asyncio.sleep(NOTE_SECONDS)
            try:
                await self.note()
            except DomainError as error:
                log.warning("Which webhooks work is noted later: %s", error.message)
            except Exception:
                log.exception("Which webhooks work is noted later")

    async def _tidy_often(self) -> None:
        while True:
            try:
                await self.tidy()
            except DomainError as error:
                log.warning("Old deliveries are deleted later: %s", error.message)
            except Exception:
                log.exception("Old deliveries are deleted later")
            await asyncio.sleep(TIDY_SECONDS)


def _clock() -> float:
    return asyncio.get_running_loop().time()
