"""Processes that fire triggers, each with a store of its own, on a database where nothing else follows."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from domain import external
from domain.action import Action, ActionKind
from domain.events import Envelope
from domain.external import Report
from domain.firing import Firing, FiringFilter
from domain.identity import Actor, ActorKind
from domain.incident import Incident, IncidentFilter
from domain.journey import Journey
from domain.journey_filter import JourneyFilter, JourneyOrder
from domain.paging import Page
from domain.rule import Rule
from domain.template import TriggerType
from domain.trigger import Trigger
from storage.events import changes
from storage.indexes import create_indexes
from storage.mongo import Mongo
from storage.pending import words
from storage.store import Store
from tests.conftest import Servers
from tests.storage.subjects import cause
from tests.workers.handing import Clock
from workers.actions import Actions
from workers.follow import Following
from workers.triggers import TriggerWorker

ALL = Page(100)
CRM = Actor(ActorKind.SERVICE, "crm")


@dataclass
class Process:
    """One that fires triggers."""

    store: Store
    worker: TriggerWorker
    following: Following
    heard: list[list[Envelope]] = field(default_factory=list)

    async def hear(self, envelopes: Sequence[Envelope]) -> None:
        """What the process writes: what follows on other documents follows, triggers wait for `settle`."""
        for change in changes(envelopes):
            if "follow" in words(change):
                await self.following.follow(change)
            self.heard.append(change)

    async def settle(self) -> None:
        """Fire for all that this process has written, and for all that comes of it."""
        await self.store.changes.drain()
        while self.heard:
            heard, self.heard = self.heard, []
            for wrong in await self.worker.fire([each for each in heard if "triggers" in words(each)]):
                if wrong is not None:
                    raise wrong
            await self.store.changes.drain()

    async def fire(self, *events: Envelope) -> None:
        """Do what follows from these events; what goes wrong is raised."""
        for wrong in await self.worker.fire([[each] for each in events]):
            if wrong is not None:
                raise wrong


@dataclass
class Plant:
    """A database, and processes on it."""

    mongo: Mongo
    clock: Clock
    stack: AsyncExitStack

    def process(self) -> Process:
        store = Store.of(self.mongo, self.clock)
        self.stack.push_async_callback(store.changes.drain)
        actions = Actions(store, self.clock, room=1_000)
        process = Process(store, TriggerWorker(store, actions, self.clock), Following(store, actions))
        store.changes.logged = process.hear
        return process


@asynccontextmanager
async def plant_of(servers: Servers) -> AsyncIterator[Plant]:
    mongo = Mongo(servers.mongodb_uri, f"triggers_{uuid4().hex[:8]}")
    await create_indexes(mongo)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(mongo.close)
        yield Plant(mongo, Clock(), stack)


async def report(store: Store, tenant: str, type: str, **rest: Any) -> Envelope:
    """An event of another system, in the log."""
    id = rest.pop("id", uuid4().hex)
    now = store.changes._now()
    told = Report(type=type, source="crm", id=id, **rest)
    name = uuid4().hex
    envelope = external.envelope(
        told, tenant_id=tenant, by=CRM, now=now, command_id=name, correlation_id=name
    )
    await store.changes.take([envelope])
    return envelope


def rule(action: Action, event: str = "test:happened", **rest: Any) -> Rule:
    return Rule(name="Test", event=event, action=action, **rest)


def starting(template: str = "sample", **rest: Any) -> Action:
    return Action(kind=ActionKind.START_JOURNEY, template_id=template, **rest)


def conditional(action: Action, *conditions: Any, **rest: Any) -> Rule:
    return Rule(name="Turned", type=TriggerType.CONDITIONAL, conditions=conditions, action=action, **rest)


def scheduled(schedule: str = "* * * * *", **rest: Any) -> Rule:
    return Rule(name="Due", type=TriggerType.SCHEDULED, schedule=schedule, action=EMIT, **rest)


EMIT = Action(kind=ActionKind.EMIT_EVENT, params={"type": "test:told"})


async def add(store: Store, tenant: str, rule: Rule) -> Trigger:
    return (await store.triggers.create(f"trg_{uuid4().hex}", tenant, rule, cause())).state


async def change(store: Store, trigger: Trigger, command: Any, **given: Any) -> Trigger:
    """`change(store, trigger, domain.disable)`."""
    run = lambda each, at: command(each, *given.values(), at=at)  # noqa: E731
    return (await store.triggers.change(trigger.id, trigger.tenant_id, run, cause())).state


async def named(store: Store, tenant: str, name: str) -> Trigger:
    [found] = [each for each in await store.triggers.all(tenant) if each.rule.name == name]
    return found


async def firings(store: Store, tenant: str, trigger: Trigger | None = None) -> list[Firing]:
    """From old to new."""
    wanted = FiringFilter(trigger_id=trigger.id if trigger is not None else None)
    return (await store.firings.page(tenant, wanted, ALL)).items[::-1]


async def journeys(store: Store, tenant: str, template: str | None = None) -> list[Journey]:
    wanted = JourneyFilter(template_id=template)
    return (await store.journeys.page(tenant, wanted, JourneyOrder.CREATED_AT, ALL)).items


async def incidents(store: Store, tenant: str) -> list[Incident]:
    return (await store.incidents.page(tenant, IncidentFilter(), ALL)).items


async def facts(store: Store, tenant: str, customer: str, **changes: Any) -> Envelope:
    """The event of a change of facts."""
    changed = await store.customers.update_facts(tenant, customer, changes, store.changes._now(), cause())
    await store.changes.drain()
    found = (await store.events.history(changed.state.id, ALL)).items
    return found[-1]
