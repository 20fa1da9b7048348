"""Triggers from outside: who writes them, what they do, what came of them, and what they would do."""

from typing import Any

import pytest

from domain.identity import Role
from tests.e2e.harness import Client, Server, client, eventually
from tests.e2e.refusals import SAMPLE

ACTION = "{ kind templateId step params mapping }"
TRIGGER = f"""id name description type event schedule timeZone catchUp conditions {{ field operator value type }}
  action {ACTION} otherwise {ACTION} priority active builtIn nextAt revision createdBy {{ kind id }}"""
FIRING = "id triggerId eventId status result reason tries revision"
ERRORS = "userErrors { code message path currentRevision }"
START = {"kind": "START_JOURNEY", "templateId": "sample", "mapping": {"context.score": "data.score"}}
RULE = {
    "name": "Scored",
    "type": "EVENT",
    "event": "scoring:done",
    "conditions": [{"field": "data.score", "operator": "GREATER_THAN", "value": 50}],
    "action": START,
}
KINDS = dict.fromkeys(("enableTrigger", "disableTrigger", "deleteTrigger"), "TriggerInput")


async def do(api: Client, mutation: str, fields: str, **input: Any) -> Any:
    kind = KINDS.get(mutation, mutation[0].upper() + mutation[1:] + "Input")
    query = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {fields} {ERRORS} }} }}"
    return (await api.ask(query, input=input))[mutation]


async def write(api: Client, mutation: str = "createTrigger", **input: Any) -> Any:
    """The trigger after a mutation that is not refused."""
    payload = await do(api, mutation, f"trigger {{ {TRIGGER} }}", **input)
    assert payload["userErrors"] == [], payload
    return payload["trigger"]


async def refused(api: Client, mutation: str, **input: Any) -> list[tuple[str, str]]:
    of = "firing" if "Firing" in mutation else "customer" if "Customer" in mutation else "trigger"
    payload = await do(
        api, mutation, "fires" if mutation == "testTrigger" else f"{of} {{ __typename }}", **input
    )
    assert payload.get(of) is None
    return [(each["code"], ".".join(each["path"])) for each in payload["userErrors"]]


async def emit(api: Client, type: str = "scoring:done", **more: Any) -> str:
    """The id of an event just reported."""
    query = "mutation($input: EmitEventInput!) { emitEvent(input: $input) { event { id } userErrors { message } } }"
    payload = (await api.ask(query, input={"type": type, "source": "scoring", **more}))["emitEvent"]
    assert payload["userErrors"] == []
    return str(payload["event"]["id"])


async def firings(api: Client, **filter: Any) -> list[Any]:
    query = f"query($f: FiringFilterInput) {{ firings(filter: $f) {{ totalCount nodes {{ {FIRING} }} }} }}"
    found = (await api.ask(query, f=filter))["firings"]
    nodes: list[Any] = found["nodes"]
    assert found["totalCount"] >= len(nodes)  # it is counted after the page is read
    return nodes


async def fired(api: Client, count: int = 1, **filter: Any) -> list[Any]:
    async def there() -> bool:
        return len(await firings(api, **filter)) >= count

    await eventually(there, f"{count} firings of {filter}")
    return await firings(api, **filter)


async def template(api: Client, id: str = "sample") -> None:
    query = "mutation($input: TemplateInput!) { createTemplate(input: $input) { userErrors { message } } }"
    assert (await api.ask(query, input=SAMPLE | {"id": id}))["createTemplate"]["userErrors"] == []


async def trigger(api: Client, id: str) -> Any:
    return (await api.ask(f"query($id: ID!) {{ trigger(id: $id) {{ {TRIGGER} }} }}", id=id))["trigger"]


async def test_an_event_fires_a_trigger_whose_firing_tells_what_was_made(api: Client) -> None:
    await template(api)
    made = await write(api, rule=RULE)
    assert (made["active"], made["builtIn"], made["revision"]) == (True, False, 1)
    assert made["createdBy"] == {"kind": "USER", "id": "ann"}
    assert made["action"] == {"step": None, "params": {}, **START}
    await emit(api, data={"score": 10}, leadId="l-1")
    event = await emit(api, data={"score": 90}, leadId="l-2")
    [firing] = await fired(api, triggerId=made["id"])
    assert (firing["eventId"], firing["status"], firing["reason"]) == (event, "FIRED", None)
    asked = "query($id: ID!) { node(id: $id) { ... on Journey { leadId context } } }"
    assert (await api.ask(asked, id=firing["result"]))["node"] == {"leadId": "l-2", "context": {"score": 90}}
    assert await firings(api, eventId=event, status="FIRED") == [firing]
    assert await firings(api, status="FAILED") == []
    query = f"""query($ids: [ID!]!) {{
      nodes(ids: $ids) {{ id ... on Trigger {{ firings {{ nodes {{ {FIRING} }} }} }} }} }}"""
    found = (await api.ask(query, ids=[made["id"], firing["id"]]))["nodes"]
    assert found == [{"id": made["id"], "firings": {"nodes": [firing]}}, {"id": firing["id"]}]


async def test_a_trigger_is_changed_switched_and_deleted_under_its_revision(api: Client) -> None:
    made = await write(api, rule=RULE, idempotencyKey="k")
    assert await write(api, rule=RULE, idempotencyKey="k") == made
    assert await refused(api, "createTrigger", rule=RULE | {"name": "x"}, idempotencyKey="k") == [
        ("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")
    ]
    id = made["id"]
    changed = await write(
        api, "changeTrigger", id=id, rule=RULE | {"name": "Other", "priority": 3}, expectedRevision=1
    )
    assert (changed["name"], changed["priority"], changed["revision"]) == ("Other", 3, 2)
    assert [code for code, _ in await refused(api, "disableTrigger", id=id, expectedRevision=1)] == [
        "CONFLICT"
    ]
    off = await write(api, "disableTrigger", id=id, expectedRevision=2)
    assert (off["active"], off["revision"]) == (False, 3)
    assert await refused(api, "disableTrigger", id=id) == [("ILLEGAL_TRANSITION", "id")]
    assert (await write(api, "enableTrigger", id=id))["active"] is True
    await write(api, "deleteTrigger", id=id)
    assert await trigger(api, id) is None
    assert await refused(api, "enableTrigger", id=id) == [("ILLEGAL_TRANSITION", "id")]
    assert await refused(api, "enableTrigger", id="trg_none") == [("NOT_FOUND", "id")]


async def test_the_built_in_triggers_are_listed_and_changed_by_the_revision_they_show(api: Client) -> None:
    query = f"""query($n: Int, $a: String) {{ triggers(first: $n, after: $a) {{
      totalCount nodes {{ {TRIGGER} }} pageInfo {{ endCursor hasNextPage }} }} }}"""
    found = (await api.ask(query, n=100))["triggers"]
    names = {each["name"] for each in found["nodes"]}
    assert {"Service activated", "High-priority ticket", "Lead Qualified", "Customer Created"} <= names
    assert all(each["builtIn"] and each["revision"] == 0 for each in found["nodes"])
    assert found["totalCount"] == len(found["nodes"])
    first = (await api.ask(query, n=2))["triggers"]
    rest = (await api.ask(query, n=100, a=first["pageInfo"]["endCursor"]))["triggers"]
    assert first["nodes"] + rest["nodes"] == found["nodes"]
    [urgent] = [each for each in found["nodes"] if each["name"] == "High-priority ticket"]
    off = await write(api, "disableTrigger", id=urgent["id"], expectedRevision=0)
    assert off == urgent | {"active": False, "revision": 1}
    assert (await api.ask(query, n=100))["triggers"]["totalCount"] == found["totalCount"]


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({"type": "MANUAL"}, "type"),
        ({"type": "AUTOMATED"}, "type"),
        ({"event": None}, "event"),
        ({"type": "SCHEDULED", "schedule": "* * * * * *"}, "schedule"),
        ({"type": "SCHEDULED", "schedule": "0 9 * * *", "timeZone": "Rome"}, "timeZone"),
        ({"type": "CONDITIONAL", "conditions": []}, "conditions"),
        ({"action": {"kind": "START_JOURNEY"}}, "action.templateId"),
        ({"action": {"kind": "ADD_TOUCHPOINT", "params": {"kind": "x"}}}, "action.params.channel"),
    ],
)
async def test_a_rule_that_could_not_work_is_refused_with_its_path(
    api: Client, rule: dict[str, Any], path: str
) -> None:
    assert await refused(api, "createTrigger", rule=RULE | rule) == [("INVALID_INPUT", f"rule.{path}")]
    given = {"rule": RULE | rule, "event": {"type": "a:b"}}
    assert await refused(api, "testTrigger", **given) == [("INVALID_INPUT", f"rule.{path}")]


async def test_an_odd_mapping_is_refused(api: Client) -> None:
    odd = RULE | {"action": START | {"mapping": {"context.score": 1}}}
    [(code, path)] = await refused(api, "createTrigger", rule=odd)
    assert (code, path) == ("INVALID_INPUT", "rule.action.mapping.context.score")


async def test_what_failed_is_done_again_once_it_is_mended(api: Client) -> None:
    made = await write(api, rule=RULE)
    await emit(api, data={"score": 90}, leadId="l-1")
    [failed] = await fired(api, triggerId=made["id"])
    assert (failed["status"], failed["tries"]) == ("FAILED", 1)
    await template(api)
    for _ in range(2):
        payload = await do(
            api, "rerunFiring", f"firing {{ {FIRING} }}", id=failed["id"], idempotencyKey="again"
        )
        assert payload["userErrors"] == []
        assert (payload["firing"]["status"], payload["firing"]["tries"]) == ("FIRED", 2)
    assert await refused(api, "rerunFiring", id=failed["id"]) == [("ILLEGAL_TRANSITION", "id")]
    assert await refused(api, "rerunFiring", id="fir_none") == [("NOT_FOUND", "id")]
    counted = await api.ask("{ journeyCounts { total } }")
    assert counted["journeyCounts"]["total"] == 1


async def test_a_trial_tells_what_would_happen_and_changes_nothing(api: Client) -> None:
    await template(api)
    made = await write(api, rule=RULE)
    fields = """fires reason unmetConditions { field seen reason } action values journey { id } templateId
      templateVersion"""
    low = await do(
        api, "testTrigger", fields, id=made["id"], event={"type": "scoring:done", "data": {"score": 10}}
    )
    assert (low["fires"], low["reason"]) == (False, "its conditions do not hold")
    [unmet] = low["unmetConditions"]
    assert (unmet["field"], unmet["seen"]) == ("data.score", 10)
    event = {"type": "scoring:done", "data": {"score": 90}, "leadId": "l-1"}
    would = await do(api, "testTrigger", fields, rule=RULE, event=event)
    assert would == {
        "fires": True,
        "reason": None,
        "unmetConditions": [],
        "action": "START_JOURNEY",
        "values": {"context": {"score": 90}, "leadId": "l-1"},
        "journey": None,
        "templateId": "sample",
        "templateVersion": 1,
        "userErrors": [],
    }
    other = await do(api, "testTrigger", fields, id=made["id"], event={"type": "scoring:begun"})
    assert (other["fires"], other["reason"]) == (False, "it waits for scoring:done")
    assert await firings(api) == []
    journey = await api.start("sample", leadId="l-1")
    advance = RULE | {"action": {"kind": "ADVANCE_JOURNEY", "templateId": "sample", "step": "one"}}
    found = await do(api, "testTrigger", fields, rule=advance, event=event)
    assert (found["fires"], found["journey"]) == (True, {"id": journey["id"]})
    assert await refused(api, "testTrigger", event=event) == [("INVALID_INPUT", "id")]
    assert await refused(api, "testTrigger", event=event, id="trg_none") == [("NOT_FOUND", "id")]


async def test_facts_are_merged_and_fire_what_waits_for_them_to_turn(api: Client) -> None:
    query = "query($id: String!) { customer(id: $id) { customerId facts revision } }"
    assert (await api.ask(query, id="c-1"))["customer"] is None
    rule = RULE | {
        "type": "CONDITIONAL",
        "event": None,
        "conditions": [{"field": "churnRisk", "operator": "GREATER_THAN", "value": 80}],
    }
    await template(api)
    made = await write(api, rule=rule)
    for n, changes in enumerate(({"churnRisk": 10, "plan": "m"}, {"churnRisk": 90, "plan": None})):
        for _ in range(2):
            payload = await do(
                api,
                "updateCustomerFacts",
                "customer { revision }",
                customerId="c-1",
                changes=changes,
                idempotencyKey=f"k{n}",
            )
            assert payload == {"customer": {"revision": n + 1}, "userErrors": []}
    assert (await api.ask(query, id="c-1"))["customer"] == {
        "customerId": "c-1",
        "facts": {"churnRisk": 90},
        "revision": 2,
    }
    [firing] = await fired(api, triggerId=made["id"])
    assert firing["status"] == "FIRED"
    for given in ({"customerId": " ", "changes": {"a": 1}}, {"customerId": "c", "changes": {}}):
        assert [code for code, _ in await refused(api, "updateCustomerFacts", **given)] == ["INVALID_INPUT"]
    large = {f"k{n}": "x" * 1_000 for n in range(200)}
    payload = await do(api, "updateCustomerFacts", "customer { revision }", customerId="c-2", changes=large)
    assert payload["customer"] == {"revision": 1}
    more = {f"m{n}": "x" * 1_000 for n in range(200)}
    assert await refused(api, "updateCustomerFacts", customerId="c-2", changes=more) == [
        ("TOO_LARGE", "changes")
    ]


async def test_tenants_see_and_change_nothing_of_each_other(server: Server, api: Client, tenant: str) -> None:
    made = await write(api, rule=RULE)
    await emit(api, data={"score": 90})
    [firing] = await fired(api, triggerId=made["id"])
    await do(api, "updateCustomerFacts", "customer { revision }", customerId="c", changes={"a": 1})
    async with client(server.url, f"{tenant}-b") as other:
        assert await trigger(other, made["id"]) is None
        assert await firings(other, triggerId=made["id"]) == []
        assert (await other.ask('{ customer(id: "c") { facts } }'))["customer"] is None
        nodes = await other.ask(
            "query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[made["id"], firing["id"]]
        )
        assert nodes["nodes"] == [None, None]
        for mutation in ("enableTrigger", "disableTrigger", "deleteTrigger"):
            assert await refused(other, mutation, id=made["id"]) == [("NOT_FOUND", "id")]
        assert await refused(other, "rerunFiring", id=firing["id"]) == [("NOT_FOUND", "id")]


@pytest.mark.parametrize(
    ("role", "mutation", "input"),
    [
        (Role.OPERATOR, "createTrigger", {"rule": RULE}),
        (Role.OPERATOR, "deleteTrigger", {"id": "trg_x"}),
        (Role.OPERATOR, "testTrigger", {"id": "trg_x", "event": {"type": "a:b"}}),
        (Role.VIEWER, "rerunFiring", {"id": "fir_x"}),
        (Role.VIEWER, "updateCustomerFacts", {"customerId": "c", "changes": {"a": 1}}),
    ],
)
async def test_who_may_not_is_refused(
    server: Server, tenant: str, role: Role, mutation: str, input: dict[str, Any]
) -> None:
    async with client(server.url, tenant, role) as api:
        kind = KINDS.get(mutation, mutation[0].upper() + mutation[1:] + "Input")
        body = await api.send(
            f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {ERRORS} }} }}", input=input
        )
        assert [each["extensions"]["code"] for each in body["errors"]] == ["FORBIDDEN"]
        assert (await api.ask("{ triggers(first: 1) { nodes { id } } firings { nodes { id } } }"))["firings"]
