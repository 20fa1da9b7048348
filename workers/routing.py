"""Routing: which webhooks an event goes to, and a delivery for each of them.

One query for all changes of a batch, made once they are in the log: it sees every webhook whose creation was
acknowledged before any of them was recorded, so nothing is kept between batches. A webhook hears of what was recorded
since it was switched on, and never of imported history.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from domain import delivery
from domain.delivery import Delivery
from domain.events import Envelope, Origin
from domain.webhook import Webhook, queue_of
from domain.webhook_events import WebhookEnabled
from storage.deliveries import delivery_id
from storage.store import Store


class Routing:
    """`wake` tells the workers that a queue has something for them."""

    def __init__(self, store: Store, now: Callable[[], datetime], wake: Callable[[str], None]) -> None:
        self._store, self._now, self._wake = store, now, wake

    async def route(self, changes: Sequence[Sequence[Envelope]]) -> list[Exception | None]:
        """Make the deliveries of these changes. Twice is once. What goes wrong goes wrong with all of them."""
        events = [each for change in changes for each in change if each.origin is not Origin.IMPORT]
        webhooks = await self._store.webhooks.wanting({(each.tenant_id, each.type) for each in events})
        by_tenant: dict[str, list[Webhook]] = {}
        for webhook in webhooks:
            by_tenant.setdefault(webhook.tenant_id, []).append(webhook)
        made = [
            self._delivery(webhook, envelope)
            for envelope in events
            for webhook in by_tenant.get(envelope.tenant_id, ())
            if webhook.wants(envelope.type) and envelope.recorded_at >= webhook.since
        ]
        if made:
            await self._store.deliveries.add(made)
        for queue in {queue_of(each.tenant_id, each.webhook_id) for each in made}:
            self._wake(queue)
        for envelope in events:
            if envelope.type == WebhookEnabled.type:
                await self._take_up_again(envelope)
        return [None] * len(changes)

    def _delivery(self, webhook: Webhook, envelope: Envelope) -> Delivery:
        id = delivery_id(webhook.id, envelope.id)
        return delivery.begin(id, webhook, envelope.id, envelope.type, at=self._now())

    async def _take_up_again(self, enabled: Envelope) -> None:
        webhook = await self._store.webhooks.find(enabled.subject)
        if webhook is not None and webhook.enabled:
            await self._store.deliveries.hasten(webhook, self._now())
            self._wake(queue_of(webhook.tenant_id, webhook.id))
