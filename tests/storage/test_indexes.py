"""Every query has its index: of each filter with each order, and of all that the service does by itself.

The queries are made from the GraphQL schema, so that a new filter is asked for here on its first day.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    get_named_type,
    get_nullable_type,
)

from app.graphql import build
from app.wiring import new_id, utc_now
from domain import walk
from domain.identity import Actor, ActorKind
from domain.imports import Past
from domain.incident import IncidentKind, IncidentRaised
from domain.paging import encode_cursor
from domain.record_events import ImportCompleted
from domain.walk import Start
from storage.imports import Imports
from storage.indexes import missing_indexes
from storage.subject import Cause
from tests.domain.samples import definition
from tests.storage.service import Service, check, check_plans
from tests.storage.subjects import THREE_STEPS
from workers.relay import Relay
from workers.timers import Timers

NOON = "2026-01-31T12:00:00.000Z"
BY_TIME = "journeys handoffs incidents touchpoints conversions events firings campaignCosts exports"
CURSORS = {
    "templates": "sample|000000001",
    **dict.fromkeys(BY_TIME.split(), f"{NOON}|x:0000000001:000000"),
}


def samples(kind: GraphQLInputType) -> Iterator[Any]:
    """Values for an input: one of each sort that makes another query."""
    kind = get_nullable_type(kind)
    match kind:
        case GraphQLList():
            inner = list(samples(kind.of_type))
            yield from ([each] for each in inner[:1])
            yield inner[:2] if len(inner) > 1 else inner * 2
        case GraphQLEnumType():
            yield from list(kind.values)[:2]
        case GraphQLInputObjectType():
            for name, field in kind.fields.items():
                yield from ({name: value} for value in samples(field.type))
            yield {name: next(samples(field.type)) for name, field in kind.fields.items()}
        case _ if kind.name == "DateTime":
            yield NOON
        case _:
            yield "word"


LISTS = sorted(
    name
    for name, field in build()._schema.query_type.fields.items()
    if "filter" in field.args  # type: ignore[union-attr]  # there is a query type
)


def orders(arguments: Mapping[str, GraphQLArgument]) -> list[str | None]:
    if "orderBy" not in arguments:
        return [None]
    kind = get_named_type(arguments["orderBy"].type)
    assert isinstance(kind, GraphQLEnumType)
    return list(kind.values)


@pytest.mark.parametrize("name", LISTS)
async def test_every_filter_with_every_order_is_served_by_an_index(service: Service, name: str) -> None:
    field = service.schema._schema.query_type.fields[name]  # type: ignore[union-attr]  # there is a query type
    kind = get_named_type(field.args["filter"].type)
    edge = encode_cursor(CURSORS.get(name, "x"))
    pages = [{"first": 5}, {"first": 5, "after": edge}, {"last": 5, "before": edge}]
    paged = "first" in field.args
    for filter in [{}, *samples(kind)]:
        for order, page in product(orders(field.args), pages if paged else [{}]):
            given = {"filter": filter} | page | ({"orderBy": order} if order else {})
            declared = ", ".join(f"${each}: {field.args[each].type}" for each in given)
            passed = ", ".join(f"{each}: ${each}" for each in given)
            asked = "nodes { id } totalCount" if paged else "total byStatus { count } byStage { count }"
            await service.ask(f"query({declared}) {{ {name}({passed}) {{ {asked} }} }}", given)
    await check(service)


async def test_what_a_client_reads_and_does_is_served_by_indexes(service: Service) -> None:
    template = {
        "id": "sample",
        "name": "Sample",
        "category": "CUSTOM",
        "steps": [
            {"id": "one", "name": "One", "stage": "LEAD", "order": 1, "type": "NOTIFICATION"},
            {"id": "two", "name": "Two", "stage": "LEAD", "order": 2},
        ],
        "settings": {"reentry": "NEVER_AGAIN", "autoProgress": True},
    }
    for mutation in ("createTemplate", "createTemplateVersion"):
        await service.do(mutation, "TemplateInput", idempotencyKey=mutation, **template)
    for mutation in ("deactivateTemplate", "activateTemplate"):
        await service.do(mutation, "SwitchTemplateInput", id="sample", idempotencyKey=mutation)
    start = {"templateId": "sample", "customerId": "c", "idempotencyKey": "start"}
    for _ in range(2):
        started = await service.do("startJourney", "StartJourneyInput", **start)
    id = started["journey"]["id"]
    await service.do("updateJourneyContext", "UpdateJourneyContextInput", id=id, changes={"a": 1})
    await service.do("advanceJourney", "AdvanceJourneyInput", id=id, idempotencyKey="advance")
    contact = {"kind": "call", "channel": "phone", "journeyId": id}
    await service.do("addTouchpoints", "AddTouchpointsInput", touchpoints=[contact], idempotencyKey="t")
    conversion = {"kind": "sale", "toStage": "CUSTOMER", "journeyId": id}
    await service.do("addConversions", "AddConversionsInput", conversions=[conversion], idempotencyKey="c")
    event = {"type": "crm:lead_created", "source": "crm", "leadId": "l"}
    for event_id in ("1", "1", None):
        given = event | {"id": event_id, "idempotencyKey": f"emit {event_id}"}
        await service.do("emitEvent", "EmitEventInput", **given)
    for _ in range(2):
        many = [event | {"id": "2"}, event, event | {"id": "2"}]
        await service.do("emitEvents", "EmitEventsInput", events=many, idempotencyKey="emit")
    page = "(first: 2) { nodes { id } totalCount }"
    await service.ask(
        "query($id: ID!, $ids: [ID!]!) { journey(id: $id) { steps { id } template { usageCount } allowedActions "
        "{ action } history(last: 2) { nodes { id } } touchpoints" + page + " conversions" + page + " } "
        "family: journey(id: $id) { parent { id } children(first: 2) { nodes { id } totalCount } } "
        "nodes(ids: $ids) { id } relayStatus { pending failing { attempts } } "
        'template(id: "sample", version: 1) { id } newest: template(id: "sample") { id } '
        'templates(first: 2) { nodes { id } } templateVersions(id: "sample", last: 2) { nodes { id } } }',
        {"id": id, "ids": [id, "tpl_x", "tch_x", "cnv_x"]},
    )
    await check(service)


async def test_what_is_read_and_done_with_handoffs_and_incidents_is_served_by_indexes(
    service: Service,
) -> None:
    start = {"templateId": "support_resolution", "customerId": "c"}
    journey = (await service.do("startJourney", "StartJourneyInput", **start))["journey"]["id"]
    work = {"type": "MANUAL", "name": "Visit", "toPackage": "crew", "journeyId": journey}
    ask = {"type": "APPROVAL_REQUIRED", "name": "Waive", "toPackage": "crm"}
    ask |= {"approval": {"requesterMayDecide": True, "quorum": 2}}
    for given in (work, work, ask, ask):
        given = given | {"idempotencyKey": given["type"]}  # noqa: PLW2901  # the second of each is given again
        await service.do("createHandoff", "CreateHandoffInput", **given)
    listed = (await service.ask("{ handoffs(first: 2) { nodes { id } } }"))["handoffs"]["nodes"]
    approval, manual = (each["id"] for each in listed)
    await service.do("processHandoff", "HandoffInput", id=manual, idempotencyKey="process")
    await service.do("failHandoff", "FailHandoffInput", id=manual, reason="no")
    await service.ask("{ failedHandoffs(last: 3) { totalCount nodes { id } } }")
    retry = {"ids": [manual, "hof_x"], "reason": "yes", "idempotencyKey": "retry"}
    await service.do("retryHandoffs", "RetryHandoffsInput", **retry)
    await service.do("approveHandoffs", "DecideHandoffsInput", ids=[approval], idempotencyKey="approve")
    raised = IncidentRaised(
        at=utc_now(),
        tenant_id=service.tenant,
        kind=IncidentKind.HANDOFF,
        reason="x",
        journey_id=journey,
        handoff_id=manual,
    )
    for _ in range(2):
        await service.store.incidents.open(
            f"inc_{service.tenant}", raised, Cause(Actor(ActorKind.SYSTEM, "test"), new_id(), "test")
        )
    found = (await service.ask("{ incidents { nodes { id handoff { id } journey { id } } } }"))["incidents"][
        "nodes"
    ]
    assert [each["handoff"]["id"] for each in found] == [manual]
    resolve = {"id": found[0]["id"], "resolution": "x", "idempotencyKey": "resolve"}
    await service.do("resolveIncident", "ResolveIncidentInput", **resolve)
    edge = encode_cursor(CURSORS["handoffs"])
    for page in ("first: 5", f'first: 5, after: "{edge}"', f'last: 5, before: "{edge}"'):
        await service.ask(f"{{ pendingApprovals({page}) {{ totalCount nodes {{ id }} }} }}")
        await service.ask(f"{{ failedHandoffs({page}) {{ totalCount nodes {{ id }} }} }}")
    await service.ask(
        "query($id: ID!, $ids: [ID!]!) { handoff(id: $id) { allowedActions { action } history { nodes { id } } "
        "journey { handoff { id } handoffs(first: 2) { totalCount nodes { id journey { id } } } } } "
        "node(id: $id) { id } nodes(ids: $ids) { id } }",
        {"id": manual, "ids": [manual, approval, found[0]["id"]]},
    )
    await check(service)


async def test_what_is_read_and_set_of_packages_is_served_by_indexes(service: Service) -> None:
    for name in ("crm", "warehouse"):
        given = {"name": name, "address": "https://partner.example"}
        for _ in range(2):
            await service.do("configurePackage", "ConfigurePackageInput", **given, idempotencyKey=name)
    for secret in "abcd":
        rotated = {"name": "crm", "secret": f"whsec_{secret * 32}", "idempotencyKey": secret}
        for _ in range(2):
            await service.do("rotatePackageSecret", "RotatePackageSecretInput", **rotated)
    await service.do("disablePackage", "DisablePackageInput", name="crm")
    await service.do("enablePackage", "EnablePackageInput", name="crm")
    found = await service.ask('{ packages { id secrets { id } } package(name: "crm") { id } }')
    ids = [each["id"] for each in found["packages"]]
    await service.ask("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ids})
    await check(service)


async def test_the_journeys_of_a_page_of_handoffs_are_read_at_once(
    service: Service,
) -> None:
    for n in range(4):
        start = {"templateId": "support_resolution", "customerId": f"c{n}"}
        journey = (await service.do("startJourney", "StartJourneyInput", **start))["journey"]["id"]
        work = {"type": "MANUAL", "name": "Visit", "toPackage": "crew", "journeyId": journey}
        await service.do("createHandoff", "CreateHandoffInput", **work)
    service.recorder.sent.clear()
    found = await service.ask("{ handoffs { nodes { id journey { id } } } }")
    assert len({each["journey"]["id"] for each in found["handoffs"]["nodes"]}) == 4
    assert [each.collection for each in service.recorder.sent] == ["handoffs", "journeys"]


async def test_what_the_workers_do_is_served_by_indexes(service: Service) -> None:
    start = {"templateId": "customer_acquisition", "leadId": "l"}
    id = (await service.do("startJourney", "StartJourneyInput", **start))["journey"]["id"]
    relay = Relay(service.store, service.broker.publish, lambda: utc_now() + timedelta(days=1))
    await relay.sweep_once()
    await Timers(service.store, lambda: utc_now() + timedelta(days=400)).poll()
    events = service.store.events
    await events.revisions(id, 0, 9)
    await events.first_unpublished(id)
    [_ async for _ in events.recorded_since(service.tenant, datetime(2020, 1, 1, tzinfo=UTC))]
    for entry in await events.due(utc_now() + timedelta(days=1), 3):
        await events.postpone(entry, utc_now(), "OSError")
    await events.backlog()
    await service.store.changes.drain()
    await check(service)


async def test_what_an_import_looks_up_is_served_by_indexes(service: Service) -> None:
    imports, why = Imports(service.store), Cause(Actor(ActorKind.IMPORT, "test"), new_id(), "test")
    for template in (THREE_STEPS, definition("one"), THREE_STEPS):
        await imports.template(service.tenant, template, why)
    events = walk.start("x", THREE_STEPS, 1, Start(), tenant_id=service.tenant, by=why.actor, at=utc_now())
    past = Past("sample", new_id(), tuple(events), "text")
    for _ in range(2):
        await imports.add([imports.make(service.tenant, past, why)])
    await imports.resume(service.tenant)
    told = ImportCompleted(
        at=utc_now(),
        tenant_id=service.tenant,
        template_id="sample",
        file="x",
        journeys=1,
        step_events=0,
        rejected=0,
    )
    await imports.complete(new_id(), told, why)
    await check(service)


async def test_every_index_is_there(service: Service) -> None:
    assert await missing_indexes(service.store.mongo) == []


@pytest.mark.parametrize(
    ("collection", "filter", "sort"),
    [
        ("journeys", {}, None),
        ("journeys", {"tenantId": "t", "name": "x"}, None),
        ("journeys", {"tenantId": "t", "status": "active"}, {"name": 1}),
        ("journeys", {"$or": [{"tenantId": "t"}]}, None),
        ("journeys", {"status": "active"}, {"createdKey": 1}),
        ("journeys", {"tenantId": "t", "createdKey": {"$gt": "x"}, "activityKey": {"$gt": "x"}}, None),
        ("journeys", {"tenantId": "t", "context.x": 1}, None),
        ("events", {"occurredAt": {"$gt": 1}}, None),
        ("tenants", {"name": "x"}, None),
    ],
)
async def test_the_check_fails_for_a_query_without_an_index(
    service: Service, collection: str, filter: dict[str, Any], sort: dict[str, int] | None
) -> None:
    found = service.store.mongo[collection].find(filter).limit(1)
    await (found.sort(list(sort.items())) if sort else found).to_list(None)
    with pytest.raises(AssertionError):
        await check(service)


async def test_the_databases_own_plan_would_show_a_scan(service: Service) -> None:
    await service.do("startJourney", "StartJourneyInput", templateId="support_resolution")
    await service.store.mongo["journeys"].find({"name": "x"}).to_list(None)
    with pytest.raises(AssertionError, match="COLLSCAN"):
        await check_plans(service.store.mongo, service.recorder.sent)
