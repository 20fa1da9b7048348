"""The whole service in this process, on a database that writes down what it is asked."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from cryptography.fernet import Fernet

from app.graphql import Schema, build
from app.wiring import new_id, utc_now
from domain.identity import Identity, Role
from resolvers.context import Context
from storage.indexes import create_indexes
from storage.mongo import Mongo
from storage.secrets import Vault
from storage.store import Store
from subscriptions.broker import Broker
from subscriptions.feed import Feed
from tests.conftest import Servers
from tests.storage.served import Recorder, Sent, unserved

SECRETS_KEY = Fernet.generate_key().decode()
OF_THE_SESSION = {"lsid", "$db", "$clusterTime", "$readPreference", "txnNumber"}


@dataclass
class Service:
    store: Store
    schema: Schema
    feed: Feed
    broker: Broker
    recorder: Recorder
    tenant: str

    async def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        context = Context(
            store=self.store,
            feed=self.feed,
            now=utc_now,
            new_id=new_id,
            request_id="test",
            max_concurrent_journeys=1_000,
            vault=Vault(self.store.mongo, [SECRETS_KEY]),
            known=Identity(self.tenant, "ann", frozenset({Role.ADMIN})),
        )
        result = await self.schema.execute(
            query, variable_values=dict(variables or {}), context_value=context
        )
        assert result.errors is None, (query, variables, result.errors)
        assert result.data is not None
        return result.data

    async def do(self, mutation: str, kind: str, **input: Any) -> dict[str, Any]:
        fields = "userErrors { message }" + (
            " journey { id }" if "Journey" in mutation or "Step" in mutation else ""
        )
        query = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {fields} }} }}"
        payload: dict[str, Any] = (await self.ask(query, {"input": input}))[mutation]
        assert payload["userErrors"] == [], payload
        return payload


async def check(service: Service) -> None:
    """Every command sent so far is served by an index, by the rules and by the database's own plan."""
    assert service.recorder.sent
    failures = {
        f"{each.name} {each.collection} {dict(each.filter)} sorted by {each.sort}: {reason}"
        for each in service.recorder.sent
        if (reason := unserved(each)) is not None
    }
    assert not failures, "\n".join(sorted(failures))
    await check_plans(service.store.mongo, list(service.recorder.sent))
    service.recorder.sent.clear()


async def check_plans(mongo: Mongo, sent: list[Sent]) -> None:
    """The database's own word on it: it scans no collection. Commands of one shape have one plan."""
    shapes: dict[tuple[str, Any], dict[str, Any]] = {}
    for each in sent:
        if each.name in ("find", "aggregate", "count", "distinct"):
            asked = {name: value for name, value in each.command.items() if name not in OF_THE_SESSION}
            shapes.setdefault((each.collection, _shape(asked)), asked)
    for (collection, _), asked in shapes.items():
        plan = await mongo[collection].database.command({"explain": asked})
        assert "COLLSCAN" not in set(_stages(plan)), (asked, plan)


def _shape(value: Any) -> Any:
    """What is asked, but for the values that are compared."""
    if isinstance(value, Mapping):
        return tuple((name, _shape(inner)) for name, inner in value.items())
    if isinstance(value, list):
        return tuple(map(_shape, value))
    return value if isinstance(value, str) and value.startswith("$") else type(value)


def _stages(plan: Any, *, won: bool = False) -> Iterator[str]:
    """The stages of the winning plans."""
    if isinstance(plan, Mapping):
        if won and "stage" in plan:
            yield str(plan["stage"])
        for name, inner in plan.items():
            yield from _stages(inner, won=won or name == "winningPlan")
    elif isinstance(plan, list):
        for inner in plan:
            yield from _stages(inner, won=won)


@asynccontextmanager
async def recorded(servers: Servers, database: str) -> AsyncIterator[Service]:
    """The service on this database, with its indexes, for a tenant that nobody else uses."""
    recorder = Recorder()
    mongo = Mongo(servers.mongodb_uri, database, event_listeners=[recorder])
    await create_indexes(mongo)
    store = Store.of(mongo, utc_now)
    broker = Broker(servers.redis_url, feed_length=100)
    feed = Feed(broker, store.events, utc_now)
    yield Service(store, build(), feed, broker, recorder, f"t{uuid4().hex[:12]}")
    await store.changes.drain()
    await broker.close()
    await mongo.close()
