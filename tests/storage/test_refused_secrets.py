"""What becomes of a secret whose command is refused: nobody's is kept, and somebody's is never lost."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.wiring import new_id, utc_now
from domain.errors import DomainError, IllegalTransition, LimitExceeded, NotFound, QueryTimeout, Unavailable
from domain.identity import Identity, Role
from domain.secret import Secret
from domain.webhook import Webhook
from resolvers.context import Context
from resolvers.secrets import rotate
from storage.expiry import EXPIRING
from storage.secrets import SECRETS, Vault
from storage.subject import Changed
from tests.conftest import Servers
from tests.storage.service import SECRETS_KEY, Service, recorded
from tests.storage.subjects import cause

SECRET, OTHER = f"whsec_{'a' * 32}", f"whsec_{'b' * 32}"
GIVEN = {"name": "n", "address": "https://hooks.example", "types": ["*"], "idempotencyKey": "k"}


@pytest.fixture
async def service(servers: Servers) -> AsyncIterator[Service]:
    """One with a database of its own: nobody else keeps a secret there."""
    async with recorded(servers, f"secrets_{uuid4().hex[:8]}") as service:
        yield service


@pytest.fixture
def vault(service: Service) -> Vault:
    return Vault(service.store.mongo, [SECRETS_KEY])


async def refusals(service: Service, mutation: str, **input: Any) -> list[str]:
    """The codes with which it is refused."""
    kind = f"{mutation[0].upper()}{mutation[1:]}Input"
    query = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ userErrors {{ code }} }} }}"
    payload = (await service.ask(query, {"input": input}))[mutation]
    return [each["code"] for each in payload["userErrors"]]


async def kept(service: Service) -> set[str]:
    """The ids of all texts that there are."""
    return {each["_id"] for each in await service.store.mongo[SECRETS].find({}, {"_id": 1}).to_list(None)}


async def forget(service: Service) -> None:
    """Three days later, retention deletes every event that there is."""
    store, later = service.store, utc_now() + timedelta(days=3)
    await store.changes.drain()
    due = await store.events.due(later, 1_000)
    await store.events.strike([(each.envelope.id, each.pending) for each in due])
    [events] = [each for each in EXPIRING if each.collection == "events"]
    assert (await store.expiry.sweep(events, service.tenant, until=later, now=later)).deleted > 0


async def test_a_create_that_the_log_has_forgotten_leaves_the_secret_of_what_it_made(
    service: Service, vault: Vault
) -> None:
    assert await refusals(service, "createWebhook", **GIVEN, secret=SECRET) == []
    [webhook] = await service.store.webhooks.all(service.tenant)
    ids = [each.id for each in webhook.secrets]
    await forget(service)
    for secret in (SECRET, OTHER):
        again = await refusals(service, "createWebhook", **GIVEN, secret=secret)
        assert again == ["IDEMPOTENCY_KEY_REUSED"]
    assert await vault.open(service.tenant, ids) == [SECRET]
    assert await kept(service) == set(ids), "and the other text is not"


async def test_a_create_of_what_was_deleted_since_keeps_no_secret(service: Service) -> None:
    assert await refusals(service, "createWebhook", **GIVEN, secret=SECRET) == []
    [webhook] = await service.store.webhooks.all(service.tenant)
    await service.do("deleteWebhook", "WebhookInput", id=webhook.id)
    await forget(service)
    again = await refusals(service, "createWebhook", **GIVEN, secret=SECRET)
    assert (again, await kept(service)) == (["IDEMPOTENCY_KEY_REUSED"], set())


@pytest.mark.parametrize("kind", ["Webhook", "Source", "Package"])
async def test_a_rotation_that_the_log_has_forgotten_leaves_the_secret_that_it_gave(
    service: Service, vault: Vault, kind: str
) -> None:
    store, tenant = service.store, service.tenant
    subject, revision = {"name": "crm"}, 0
    if kind == "Webhook":
        assert await refusals(service, "createWebhook", **GIVEN) == []
        [webhook] = await store.webhooks.all(tenant)
        subject, revision = {"id": webhook.id}, webhook.revision
    if kind == "Source":
        assert await refusals(service, "createSource", name="shop") == []
        [source] = await store.sources.all(tenant)
        subject, revision = {"id": source.id}, source.revision
    given = {**subject, "secret": SECRET, "expectedRevision": revision, "idempotencyKey": "rotation"}
    assert await refusals(service, f"rotate{kind}Secret", **given) == []
    before = await kept(service)
    await forget(service)
    assert await refusals(service, f"rotate{kind}Secret", **given) == ["CONFLICT"]
    assert (len(before), await kept(service)) == (1, before)
    assert await vault.open(tenant, [*before]) == [SECRET]


@pytest.mark.parametrize(
    ("refusal", "left"),
    [
        (NotFound("whk_x"), 0),
        (IllegalTransition("It was deleted a moment ago."), 0),
        (LimitExceeded("One too many."), 0),
        (Unavailable("Nobody knows what became of the write."), 1),
        (QueryTimeout("Nor here."), 1),
    ],
)
async def test_what_is_refused_keeps_no_secret_but_what_may_be_written_yet_does(
    service: Service, vault: Vault, refusal: DomainError, left: int
) -> None:
    context = Context(
        store=service.store,
        feed=service.feed,
        now=utc_now,
        new_id=new_id,
        request_id="test",
        max_concurrent_journeys=1,
        vault=vault,
        known=Identity(service.tenant, "ann", frozenset({Role.ADMIN})),
    )

    async def change(_: str) -> Changed[Webhook]:
        raise refusal

    def secrets(webhook: Webhook) -> tuple[Secret, ...]:
        return webhook.secrets

    with pytest.raises(type(refusal)):
        await rotate(context, cause(), SECRET, (), check=lambda _: None, change=change, after=secrets)
    assert len(await kept(service)) == left
