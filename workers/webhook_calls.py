"""Calls to webhooks: an event as the signed CloudEvent that an address gets, and what came of it."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Final

import orjson

from domain.address import Probed
from domain.cloudevent import JSON_TYPE, MEDIA_TYPE, SPEC_VERSION, as_cloud_event
from domain.delivery import Delivery, Response
from domain.events import Envelope
from domain.external import OWN_ORIGIN
from domain.values import JsonObject, timestamp
from domain.webhook import Webhook
from storage.secrets import Vault
from storage.store import Store
from workers.calls import Send
from workers.outbound import Call, NoReply

KEPT_SECONDS: Final = 2.0  # a webhook's settings
KEPT: Final = 5_000
ATTEMPT_SECONDS: Final = 20.0
PROBE_SECONDS: Final = 10.0
TEST: Final = "webhook:test"  # the type of what a test call bears; nothing is recorded


@dataclass(frozen=True, slots=True)
class Target:
    """A webhook as it is called: with the texts of its secrets. None: there is no such webhook any more."""

    webhook: Webhook | None
    secrets: tuple[str, ...] = ()


class WebhookCalls:
    def __init__(self, store: Store, vault: Vault, send: Send, now: Callable[[], datetime]) -> None:
        self._store, self._vault, self._send, self._now = store, vault, send, now
        self._targets: OrderedDict[str, tuple[float, Target]] = OrderedDict()

    async def target(self, webhook_id: str) -> Target:
        """Where a delivery goes, as it was set not longer than two seconds ago."""
        clock = asyncio.get_running_loop().time()
        until, target = self._targets.get(webhook_id, (0.0, None))
        if target is None or until <= clock:
            target = await self._look_up(await self._store.webhooks.find(webhook_id))
            self._targets[webhook_id] = (clock + KEPT_SECONDS, target)
            if len(self._targets) > KEPT:
                self._targets.popitem(last=False)
        return target

    def forget(self, webhook_id: str) -> None:
        """It has just changed: its settings are read anew."""
        self._targets.pop(webhook_id, None)

    def call(self, target: Target, delivery: Delivery, envelope: Envelope) -> "asyncio.Task[Response]":
        """Tell the address of an event, under the delivery's id."""
        work = self._ask(target, as_cloud_event(envelope), delivery.id, ATTEMPT_SECONDS)
        return asyncio.create_task(work)

    async def probe(self, webhook: Webhook) -> Probed:
        """A signed call that tells of nothing, to see whether the address is there."""
        now = self._now()
        message = f"test_{webhook.id}_{int(now.timestamp() * 1000)}"
        body: JsonObject = {
            "specversion": SPEC_VERSION,
            "id": message,
            "source": OWN_ORIGIN,
            "type": TEST,
            "subject": webhook.id,
            "time": timestamp(now),
            "datacontenttype": JSON_TYPE,
            "tenantid": webhook.tenant_id,
            "data": {"test": True},
        }
        began = perf_counter()
        response = await self._ask(await self._look_up(webhook), body, message, PROBE_SECONDS)
        return Probed(response.status, response.error, (perf_counter() - began) * 1000)

    async def _look_up(self, webhook: Webhook | None) -> Target:
        if webhook is None or webhook.deleted:
            return Target(None)
        names = webhook.signing(self._now())
        return Target(webhook, tuple(await self._vault.open(webhook.tenant_id, names)) if names else ())

    async def _ask(self, target: Target, event: JsonObject, message: str, seconds: float) -> Response:
        webhook = target.webhook
        if webhook is None:
            return Response(error="There is no such webhook any more.")
        if len(target.secrets) < len(webhook.signing(self._now())):
            return Response(error="A secret of the webhook cannot be opened.")
        call = Call(
            url=webhook.address,
            body=orjson.dumps(event),
            media_type=MEDIA_TYPE,
            message_id=message,
            secrets=target.secrets,
            at=self._now(),
            timeout=seconds,
        )
        try:
            reply = await self._send(call)
        except NoReply as error:
            return Response(error=error.message)
        return Response(status=reply.status, retry_after=reply.retry_after)
