"""Every query about triggers, firings and customers has its index."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.wiring import new_id, utc_now
from domain import external
from domain.action import Action, ActionKind
from domain.errors import IllegalTransition
from domain.identity import Actor, ActorKind
from domain.rule import Rule
from domain.template import Trigger, TriggerType
from storage.subject import Cause
from tests.domain.samples import definition
from tests.storage.service import Service, check
from tests.storage.subjects import cause, follow
from workers.actions import Actions
from workers.triggers import TriggerWorker


async def test_what_is_read_and_done_with_triggers_is_served_by_indexes(service: Service) -> None:
    steer = {"kind": "ADVANCE_JOURNEY", "templateId": "support_resolution", "step": "x"}
    start = {"kind": "START_JOURNEY", "templateId": "support_resolution"}
    rule = {"name": "n", "type": "EVENT", "event": "test:a", "action": steer, "otherwise": start}
    turning = rule | {"type": "CONDITIONAL", "event": None}
    turning |= {"conditions": [{"field": "a", "operator": "EXISTS"}]}
    due = rule | {"type": "SCHEDULED", "schedule": "* * * * *"}
    for n, each in enumerate((rule, turning, due)):
        for _ in range(2):
            await service.do("createTrigger", "CreateTriggerInput", rule=each, idempotencyKey=f"{n}")
    found = (await service.ask("{ triggers { totalCount nodes { id firings { totalCount } } } }"))["triggers"]
    ids = [each["id"] for each in found["nodes"]]
    for id in (ids[0], ids[-1]):
        for mutation in ("disableTrigger", "enableTrigger", "deleteTrigger"):
            await service.do(mutation, "TriggerInput", id=id, idempotencyKey=f"{mutation} {id}")
    facts = {"customerId": "c", "changes": {"a": 1}}
    for key in ("k", "k", "l"):
        await service.do("updateCustomerFacts", "UpdateCustomerFactsInput", **facts, idempotencyKey=key)
    await service.ask(
        'query($id: ID!) { trigger(id: $id) { id } node(id: $id) { id } customer(id: "c") { facts } }',
        {"id": ids[1]},
    )
    await service.store.changes.drain()
    store, tenant = service.store, service.tenant
    later = lambda: utc_now() + timedelta(minutes=5)  # noqa: E731
    worker = TriggerWorker(store, Actions(store, later, room=10), later)
    await worker.poll()
    told = external.Report(type="test:a", source="x", id="1", customer_id="c")
    ann = Actor(ActorKind.USER, "ann")
    event = external.envelope(
        told, tenant_id=tenant, by=ann, now=utc_now(), command_id=new_id(), correlation_id="c"
    )
    await store.changes.take([event])
    changes = [[event]]
    async for batch in store.events.recorded_since(tenant, datetime(2020, 1, 1, tzinfo=UTC)):
        changes += [[each] for each in batch]
    for _ in range(2):
        assert await worker.fire(changes) == [None] * len(changes)
    assert await worker.fire([[replace(event, id="deep", depth=16)]]) == [None]
    for trigger in await store.triggers.all(tenant):
        await worker.rehearse(trigger, event)
    listed = (await service.ask("{ firings { nodes { id } } }"))["firings"]["nodes"]
    assert listed
    with pytest.raises(IllegalTransition):
        await worker.again(listed[0]["id"], tenant, Cause(ann, new_id(), "again", keyed=True))
    await store.changes.drain()
    await check(service)


async def test_the_triggers_of_a_batch_are_found_with_as_many_queries_as_those_of_one_event(
    service: Service,
) -> None:
    store, tenant, types = service.store, service.tenant, [f"test:type{n}" for n in range(5)]
    emit = Action(kind=ActionKind.EMIT_EVENT, params={"type": "test:told"})
    for type in types:
        own = Trigger(id="t", name="t", type=TriggerType.EVENT, event=type)
        template = definition("a", template_id=type.removeprefix("test:"), triggers=(own,))
        await follow(store, tenant, template)
        await store.templates.create_version(tenant, template, cause())
        await store.triggers.create(
            f"trg_{new_id()}", tenant, Rule(name="n", event=type, action=emit), cause()
        )
    await store.changes.drain()
    pairs = [(tenant, type) for type in types]
    await store.triggers.concerning(pairs)  # what definitions are kept is read once
    service.recorder.sent.clear()
    waiting = await store.triggers.concerning(pairs * 20)
    assert [len(each) for each in waiting.values()] == [2] * 5
    asked = [each.collection for each in service.recorder.sent]
    assert asked == ["templates", "templates", "triggers", "triggers"]
    await check(service)


async def test_what_follows_a_template_is_served_by_indexes(service: Service) -> None:
    store, tenant = service.store, service.tenant
    trigger = Trigger(id="t", name="t", type=TriggerType.SCHEDULED, schedule="0 9 * * *")
    made = await follow(store, tenant, definition("a", triggers=(trigger,)))
    for _ in range(2):
        await store.triggers.follow(made, cause())
    assert await store.triggers.due(utc_now() + timedelta(days=2), 10)
    await check(service)
