"""Every query about webhooks and deliveries has its index."""

from datetime import timedelta

from app.wiring import new_id, utc_now
from domain import delivery as sending
from domain import external
from domain.delivery import DeliveryStatus
from domain.events import Envelope
from domain.identity import Actor, ActorKind
from domain.paging import encode_cursor
from tests.storage.service import Service, check
from workers.routing import Routing

CURSOR = encode_cursor("2026-01-31T12:00:00.000Z|dlv_x")


async def test_what_is_read_and_done_with_webhooks_is_served_by_indexes(service: Service) -> None:
    given = {
        "name": "n",
        "address": "https://hooks.example",
        "types": ["test:*"],
        "secret": f"whsec_{'a' * 32}",
    }
    for _ in range(2):
        await service.do("createWebhook", "CreateWebhookInput", **given, idempotencyKey="k")
    found = await service.ask("{ webhooks { id secrets { id } } }")
    [id] = [each["id"] for each in found["webhooks"]]
    await service.do("changeWebhook", "ChangeWebhookInput", id=id, types=["*"])
    for key in "ab":
        rotated = {"id": id, "secret": f"whsec_{key * 32}", "overlap": "PT0S"}
        await service.do("rotateWebhookSecret", "RotateWebhookSecretInput", **rotated, idempotencyKey=key)
    await service.do("disableWebhook", "DisableWebhookInput", id=id)
    await service.do("enableWebhook", "WebhookInput", id=id)
    store, now = service.store, utc_now
    changes = [[_event(service.tenant, n)] for n in range(3)]
    await store.changes.take([each for [each] in changes])
    routing = Routing(store, now, lambda _: None)
    for _ in range(2):
        assert await routing.route(changes) == [None] * 3
    (queue, _), *_ = await store.deliveries.due_queues(now() + timedelta(days=1), 1)
    await store.deliveries.due_queues(now(), 5, now())
    first, second, third = await store.deliveries.due(queue, now(), 5)
    lease = timedelta(seconds=15)
    claimed = await store.deliveries.write(first, sending.claim(first, name="x", lease=lease, at=now()))
    assert claimed is not None
    assert await store.deliveries.renew(claimed, now() + lease)
    response = sending.Response(status=200)
    assert await store.deliveries.record(claimed, sending.answered(claimed, response, jitter=0, at=now()))
    assert await store.deliveries.write(second, sending.die(second, at=now()))
    webhook = await store.webhooks.get(id, service.tenant)
    await store.deliveries.hasten(webhook, now())
    assert await store.deliveries.delivered_after(id, now() - timedelta(days=1)) is not None
    await store.webhooks.fails(id, now())
    await store.webhooks.works([id], now())
    for status in ("", *(f", status: {each.name}" for each in DeliveryStatus)):
        for page in ("first: 5", f'first: 5, after: "{CURSOR}"', f'last: 5, before: "{CURSOR}"'):
            fields = "totalCount nodes { id event { id } }"
            await service.ask(f'{{ webhookDeliveries(webhookId: "{id}"{status}, {page}) {{ {fields} }} }}')
    await service.ask(
        "query($id: ID!, $ids: [ID!]!) { webhook(id: $id) { deliveries { totalCount } } nodes(ids: $ids) { id } }",
        {"id": id, "ids": [id, first.id]},
    )
    for _ in range(2):
        given = {"webhookId": id, "idempotencyKey": "again"}
        await service.do("resendDeliveries", "ResendDeliveriesInput", **given)
    await service.do("resendDelivery", "ResendDeliveryInput", id=third.id)
    assert await store.deliveries.expire(now() + timedelta(days=90)) == 1
    await service.do("deleteWebhook", "WebhookInput", id=id)
    await store.changes.drain()
    await check(service)


def _event(tenant: str, n: int) -> Envelope:
    told = external.Report(type="test:a", source="x", id=f"{n}")
    name = new_id()
    ann = Actor(ActorKind.USER, "ann")
    return external.envelope(
        told, tenant_id=tenant, by=ann, now=utc_now(), command_id=name, correlation_id=name
    )
