"""Queries on deliveries to webhooks, and sending them again."""

import asyncio
from typing import Annotated

import strawberry

from domain import delivery as fold
from domain.delivery import Delivery
from domain.errors import DomainError, InvalidInput, NotFound, Unavailable
from domain.webhook import queue_of
from resolvers.context import Context
from schema import limits
from schema.arguments import Given
from schema.delivery import (
    ResendDeliveriesInput,
    ResendDeliveryInput,
    WebhookDeliveriesPayload,
    WebhookDelivery,
    WebhookDeliveryOutcome,
    WebhookDeliveryPayload,
)
from schema.errors import every_error, user_errors
from schema.info import Info
from schema.paging import After, Before, Connection, First, Last, connect
from schema.permissions import CanOperate, CanView
from schema.webhook import OfStatus

MAX_BULK = 1_000
AT_ONCE = 8
ATTEMPTS = 5

OfWebhook = Annotated[strawberry.ID, strawberry.argument(description="The webhook, also a deleted one.")]


@strawberry.type
class DeliveryQueries:
    @strawberry.field(
        description="A webhook's deliveries from new to old; with the status DEAD, its dead letters.",
        permission_classes=[CanView],
    )
    async def webhook_deliveries(
        self,
        info: Info,
        webhook_id: OfWebhook,
        status: OfStatus = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[WebhookDelivery]:
        store, tenant = info.context.store.deliveries, info.context.identity.tenant_id
        page = info.context.page(first, after, last, before)
        rows = await store.page(tenant, webhook_id, status, page)
        counted = lambda: store.count(tenant, webhook_id, status)  # noqa: E731
        return connect(Connection[WebhookDelivery], rows, WebhookDelivery.of, counted)


@strawberry.type
class DeliveryMutations:
    @strawberry.mutation(
        description="Send a delivery again under the same `webhook-id`, for another 24 hours: a dead letter, or one "
        "that was taken. One that waits is tried at once.",
        permission_classes=[CanOperate],
    )
    async def resend_delivery(self, info: Info, input: Given[ResendDeliveryInput]) -> WebhookDeliveryPayload:
        try:
            limits.require(input)
            sent = await _resend(info.context, "resendDelivery", input.id, input.idempotency_key)
        except DomainError as error:
            return WebhookDeliveryPayload(delivery=None, user_errors=user_errors(error))
        return WebhookDeliveryPayload(delivery=WebhookDelivery.of(sent), user_errors=[])

    @strawberry.mutation(
        description="Send deliveries again, as `resendDelivery` does with one; each has an outcome of its own. What a "
        "first time has sent again is a dead letter no more, so a second time goes on behind it.",
        permission_classes=[CanOperate],
    )
    async def resend_deliveries(
        self, info: Info, input: Given[ResendDeliveriesInput]
    ) -> WebhookDeliveriesPayload:
        context = info.context
        try:
            limits.require(input)
            ids, more = await _chosen(context, input)
        except DomainError as error:
            return WebhookDeliveriesPayload(results=[], has_more=False, user_errors=user_errors(error))
        room = asyncio.Semaphore(AT_ONCE)

        async def outcome(id: str) -> WebhookDeliveryOutcome:
            async with room:
                try:
                    sent = await _resend(context, "resendDeliveries", id, input.idempotency_key)
                except DomainError as error:
                    errors = every_error(error)
                    return WebhookDeliveryOutcome(id=strawberry.ID(id), delivery=None, user_errors=errors)
            return WebhookDeliveryOutcome(
                id=strawberry.ID(id), delivery=WebhookDelivery.of(sent), user_errors=[]
            )

        distinct = list(dict.fromkeys(ids))
        outcomes = dict(zip(distinct, await asyncio.gather(*map(outcome, distinct)), strict=True))
        return WebhookDeliveriesPayload(results=[outcomes[id] for id in ids], has_more=more, user_errors=[])


async def _chosen(context: Context, input: ResendDeliveriesInput) -> tuple[list[str], bool]:
    """The ids, and whether there are more dead letters. Raises InvalidInput, NotFound."""
    if (input.ids is None) == (input.webhook_id is None):
        raise InvalidInput("Either the ids of deliveries or the id of a webhook is needed.", "ids")
    if input.ids is not None:
        if not 1 <= len(input.ids) <= MAX_BULK:
            raise InvalidInput(f"1 to {MAX_BULK} ids.", "ids")
        return [*input.ids], False
    tenant, webhook = context.identity.tenant_id, input.webhook_id or ""
    if webhook not in await context.store.webhooks.many([webhook], tenant):
        raise NotFound(webhook, "webhookId")
    dead = await context.store.deliveries.dead(webhook, tenant, MAX_BULK + 1)
    return dead[:MAX_BULK], len(dead) > MAX_BULK


async def _resend(context: Context, mutation: str, id: str, key: str | None) -> Delivery:
    """The delivery as it is after being sent again. Raises NotFound, IllegalTransition, Unavailable."""
    store, tenant = context.store, context.identity.tenant_id
    command = context.cause(mutation, {"id": id}, key, part=id).command_id
    for _ in range(ATTEMPTS):
        before = await store.deliveries.get(id, tenant)
        webhook = (await store.webhooks.many([before.webhook_id], tenant)).get(before.webhook_id)
        if webhook is None:
            raise NotFound(id, "id")
        after = fold.resend(before, webhook, command=command, at=context.now())
        if after is before:
            return before
        if written := await store.deliveries.write(before, after):
            context.wake(queue_of(tenant, before.webhook_id))
            return written
    raise Unavailable("Too many others change this at the same moment; try again.")
