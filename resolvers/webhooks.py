"""Queries and mutations on webhooks."""

from collections.abc import Awaitable
from datetime import datetime

import strawberry

from domain import webhook as domain
from domain.catalogue import own_types
from domain.delivery import SUCCESS
from domain.errors import DomainError, NotFound, Unavailable
from domain.webhook import Webhook as State
from domain.webhook_events import WebhookEvent
from resolvers.secrets import rotate
from resolvers.subjects import change, delete, rotate_secret
from schema import limits
from schema.arguments import Given, ObjectId
from schema.errors import user_errors
from schema.info import Info
from schema.permissions import CanAdminister, CanView
from schema.webhook import Webhook, WebhookPayload, WebhookTestPayload
from schema.webhook_inputs import (
    ChangeWebhookInput,
    CreateWebhookInput,
    DisableWebhookInput,
    RotateWebhookSecretInput,
    TestWebhookInput,
    WebhookInput,
)
from storage.subject import Changed


@strawberry.type
class WebhookQueries:
    @strawberry.field(
        description="Every webhook from new to old; at most 100. Deleted ones are left out.",
        permission_classes=[CanView],
    )
    async def webhooks(self, info: Info) -> list[Webhook]:
        found = await info.context.store.webhooks.all(info.context.identity.tenant_id)
        return [Webhook.of(each) for each in found]

    @strawberry.field(
        description="The webhook with this id; null where none is known, or it was deleted.",
        permission_classes=[CanView],
    )
    async def webhook(self, info: Info, id: ObjectId) -> Webhook | None:
        try:
            return Webhook.of(await info.context.store.webhooks.get(id, info.context.identity.tenant_id))
        except NotFound:
            return None


async def _payload(work: Awaitable[Changed[State]]) -> WebhookPayload:
    try:
        changed = await work
    except DomainError as error:
        return WebhookPayload(webhook=None, settled=True, user_errors=user_errors(error))
    return WebhookPayload(webhook=Webhook.of(changed.state), settled=changed.settled, user_errors=[])


@strawberry.type
class WebhookMutations:
    @strawberry.mutation(
        description="Tell an address of events from now on. A tenant has at most 100 webhooks.",
        permission_classes=[CanAdminister],
    )
    async def create_webhook(self, info: Info, input: Given[CreateWebhookInput]) -> WebhookPayload:
        return await _payload(_create(info, input))

    @strawberry.mutation(
        description="Change a webhook's name, address or types of event. What waits for it goes to the new address.",
        permission_classes=[CanAdminister],
    )
    async def change_webhook(self, info: Info, input: Given[ChangeWebhookInput]) -> WebhookPayload:
        def command(webhook: State, at: datetime) -> list[WebhookEvent]:
            return domain.change(
                webhook,
                known=own_types(),
                at=at,
                name=input.name,
                description=input.description,
                address=input.address,
                types=input.types,
            )

        return await _payload(change(info, "changeWebhook", info.context.store.webhooks, input, command))

    @strawberry.mutation(
        description="Sign calls to a webhook with a new secret, and for a while with the older ones too.",
        permission_classes=[CanAdminister],
    )
    async def rotate_webhook_secret(
        self, info: Info, input: Given[RotateWebhookSecretInput]
    ) -> WebhookPayload:
        def command(webhook: State, secret: str, at: datetime) -> list[WebhookEvent]:
            return domain.rotate_secret(webhook, secret_id=secret, overlap=input.overlap, at=at)

        return await _payload(
            rotate_secret(info, "rotateWebhookSecret", info.context.store.webhooks, input, command)
        )

    @strawberry.mutation(
        description="Deliver events to a webhook again: what still waits, and what happens from now on. What happened "
        "while it was switched off is not delivered.",
        permission_classes=[CanAdminister],
    )
    async def enable_webhook(self, info: Info, input: Given[WebhookInput]) -> WebhookPayload:
        def command(webhook: State, at: datetime) -> list[WebhookEvent]:
            return domain.enable(webhook, at=at)

        return await _payload(change(info, "enableWebhook", info.context.store.webhooks, input, command))

    @strawberry.mutation(
        description="Deliver nothing to a webhook any more. What waits becomes a dead letter when its 24 hours are "
        "over, unless it is switched on before.",
        permission_classes=[CanAdminister],
    )
    async def disable_webhook(self, info: Info, input: Given[DisableWebhookInput]) -> WebhookPayload:
        def command(webhook: State, at: datetime) -> list[WebhookEvent]:
            return domain.disable(webhook, at=at, reason=input.reason)

        return await _payload(change(info, "disableWebhook", info.context.store.webhooks, input, command))

    @strawberry.mutation(
        description="Delete a webhook and its secrets for good. What waits for it is not delivered.",
        permission_classes=[CanAdminister],
    )
    async def delete_webhook(self, info: Info, input: Given[WebhookInput]) -> WebhookPayload:
        def command(webhook: State, at: datetime) -> list[WebhookEvent]:
            return domain.delete(webhook, at=at)

        return await _payload(delete(info, "deleteWebhook", info.context.store.webhooks, input, command))

    @strawberry.mutation(
        description="Make a signed call of type `webhook:test` to a webhook's address, also while it is switched off, "
        "and tell what it answers. No event is recorded.",
        permission_classes=[CanAdminister],
    )
    async def test_webhook(self, info: Info, input: Given[TestWebhookInput]) -> WebhookTestPayload:
        context = info.context
        try:
            limits.require(input)
            webhook = await context.store.webhooks.get(input.id, context.identity.tenant_id)
            if context.probe_webhook is None:
                raise Unavailable("Nothing can be called from here.")
        except DomainError as error:
            refused = user_errors(error)
            return WebhookTestPayload(
                webhook=None, ok=False, status=None, error=None, milliseconds=None, user_errors=refused
            )
        probed = await context.probe_webhook(webhook)
        return WebhookTestPayload(
            webhook=Webhook.of(webhook),
            ok=probed.error is None and probed.status in SUCCESS,
            status=probed.status,
            error=probed.error,
            milliseconds=probed.milliseconds,
            user_errors=[],
        )


async def _create(info: Info, input: CreateWebhookInput) -> Changed[State]:
    limits.require(input)
    context, tenant = info.context, info.context.identity.tenant_id
    webhooks = context.store.webhooks
    cause = context.cause("createWebhook", input, input.idempotency_key)
    id = f"whk_{cause.command_id}"
    if done := await webhooks.outcome(id, cause):
        return done

    def made(secret: str | None) -> list[WebhookEvent]:
        return domain.create(
            tenant_id=tenant,
            name=input.name,
            description=input.description,
            address=input.address,
            types=input.types,
            known=own_types(),
            secret_id=secret,
            at=context.now(),
        )

    events = made(None)
    await webhooks.require_room(tenant)
    if input.secret is None:
        return await webhooks.create(id, events, cause)
    return await rotate(
        context,
        cause,
        input.secret,
        (),
        check=made,
        change=lambda secret: webhooks.create(id, made(secret), cause),
        after=lambda webhook: webhook.secrets,
    )
