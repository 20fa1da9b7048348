"""Webhooks from outside: setting them, what they hear, what became of each delivery, and sending it again."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from standardwebhooks import Webhook as Verifier

from tests.conftest import Servers
from tests.e2e.harness import Client, Server, client, eventually
from tests.e2e.hooking import (
    DELIVERY,
    NEWER,
    SECRET,
    become,
    create,
    deliveries,
    delivering,
    emit,
    payload,
    refused,
    webhook,
    write,
)
from tests.e2e.test_subscription_access import logging_server
from tests.workers.target import Partner, answer, listening


@pytest.fixture(scope="module")
def house(servers: Servers) -> Iterator[Server]:
    with delivering(servers) as server:
        yield server


@pytest.fixture
async def admin(house: Server, tenant: str) -> AsyncIterator[Client]:
    async with client(house.url, tenant) as api:
        yield api


@pytest.fixture
async def receiver() -> AsyncIterator[Partner]:
    async with listening() as receiver:
        yield receiver


async def test_an_address_hears_of_events_and_the_delivery_tells_so(
    admin: Client, receiver: Partner, tenant: str
) -> None:
    made = await create(admin, f"{receiver.url}/in", "order:*", "journey:started", secret=SECRET)
    journey = await admin.start()
    order = await emit(admin, data={"total": 3})
    await emit(admin, "crm:other")
    both = await become(admin, made["id"], "DELIVERED", "DELIVERED")
    of_type = {each["eventType"]: each for each in both}  # made at the same moment, they stand in any order
    first, second = of_type["journey:started"], of_type["order:placed"]
    assert first["event"]["id"] == f"{journey['id']}:1:0"
    assert (second["eventId"], second["event"]["data"]) == (order, {"total": 3})
    assert (second["attempts"], second["lastStatus"], second["lastError"]) == (1, 200, None)
    assert second["deliveredAt"] is not None
    assert (second["deadSince"], second["nextAttemptAt"]) == (None, None)
    for request in receiver.requests:
        body = Verifier(SECRET).verify(request.body, request.headers)
        assert (body["specversion"], body["tenantid"]) == ("1.0", tenant)
    assert {each.headers["webhook-id"] for each in receiver.requests} == {first["id"], second["id"]}
    found = await admin.ask(
        f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ id ... on WebhookDelivery {{ {DELIVERY} }} }} }}",
        ids=[made["id"], first["id"]],
    )
    assert [each["id"] for each in found["nodes"]] == [made["id"], first["id"]]
    page = "deliveries(status: DELIVERED, first: 1) { totalCount nodes { id } }"
    listed = await admin.ask(f"query($id: ID!) {{ webhook(id: $id) {{ {page} }} }}", id=made["id"])
    assert listed["webhook"]["deliveries"] == {
        "totalCount": 2,
        "nodes": [{"id": both[0]["id"]}],
    }


async def test_what_is_not_taken_waits_and_is_sent_again_on_demand(admin: Client, receiver: Partner) -> None:
    receiver.answers["/in"] = answer("503 Service Unavailable", Retry_After="3600")
    made = await create(admin, f"{receiver.url}/in", "order:*")
    await emit(admin)

    async def tried() -> bool:
        found = await webhook(admin, made["id"])
        statuses = [each["lastStatus"] for each in await deliveries(admin, made["id"])]
        return statuses == [503] and found["failingSince"] is not None

    await eventually(tried, "an attempt")
    [waiting] = await deliveries(admin, made["id"], "PENDING")
    assert waiting["lastError"] == "It answered 503."
    assert waiting["nextAttemptAt"] > waiting["lastAttemptAt"]
    del receiver.answers["/in"]
    for _ in range(2):
        sent = await payload(
            admin, "resendDelivery", f"delivery {{ {DELIVERY} }}", id=waiting["id"], idempotencyKey="k"
        )
        assert sent["userErrors"] == []
        [taken] = await become(admin, made["id"], "DELIVERED")
    assert (taken["attempts"], len(receiver.requests)) == (2, 2)
    await payload(admin, "resendDelivery", "delivery { id }", id=waiting["id"], idempotencyKey="other")

    async def thrice() -> bool:
        return len(receiver.requests) == 3

    await eventually(thrice, "what was taken sent again")
    assert {each.headers["webhook-id"] for each in receiver.requests} == {taken["id"]}


async def test_many_are_sent_again_each_with_its_own_outcome(admin: Client, receiver: Partner) -> None:
    made = await create(admin, f"{receiver.url}/in", "order:*")
    for _ in range(3):
        await emit(admin)
    taken = [each["id"] for each in await become(admin, made["id"], *["DELIVERED"] * 3)]
    given = [taken[0], "dlv_none", taken[1], taken[0]]
    fields = "hasMore results { id delivery { id } userErrors { code path } }"
    for _ in range(2):
        sent = await payload(admin, "resendDeliveries", fields, ids=given, idempotencyKey="k")
        assert (sent["userErrors"], sent["hasMore"]) == ([], False)
        assert [each["id"] for each in sent["results"]] == given
        codes = [[error["code"] for error in each["userErrors"]] for each in sent["results"]]
        assert codes == [[], ["NOT_FOUND"], [], []]

        async def again() -> bool:
            return len(receiver.requests) == 5

        await eventually(again, "two sent again")
    none = await payload(admin, "resendDeliveries", fields, webhookId=made["id"])
    assert (none["results"], none["userErrors"]) == ([], [])


async def test_a_webhook_is_changed_switched_and_deleted_under_its_revision(
    admin: Client, receiver: Partner
) -> None:
    made = await create(
        admin, "https://hooks.example/in?key=1", "order:*", description="x", idempotencyKey="k"
    )
    same = await create(
        admin, "https://hooks.example/in?key=1", "order:*", description="x", idempotencyKey="k"
    )
    assert (same, made["revision"], made["enabled"]) == (made, 1, True)
    other = {"name": "Orders", "address": "https://other.example", "types": ["*"], "idempotencyKey": "k"}
    assert await refused(admin, "createWebhook", **other) == [("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")]
    id = made["id"]
    changed = await write(admin, "changeWebhook", id=id, types=["crm:*"], name="CRM", expectedRevision=1)
    assert changed["types"] == ["crm:*"]
    assert (changed["name"], changed["address"], changed["description"]) == ("CRM", made["address"], "x")
    assert [code for code, _ in await refused(admin, "disableWebhook", id=id, expectedRevision=1)] == [
        "CONFLICT"
    ]
    off = await write(admin, "disableWebhook", id=id, reason="a move", expectedRevision=2)
    assert (off["enabled"], off["offBecause"]) == (False, "a move")
    assert await refused(admin, "disableWebhook", id=id) == [("ILLEGAL_TRANSITION", "id")]
    on = await write(admin, "enableWebhook", id=id)
    assert (on["enabled"], on["offBecause"]) == (True, None)
    assert on["since"] > made["since"]
    assert await refused(admin, "enableWebhook", id=id) == [("ILLEGAL_TRANSITION", "id")]
    rotated = await write(admin, "rotateWebhookSecret", id=id, secret=SECRET)
    both = await write(admin, "rotateWebhookSecret", id=id, secret=NEWER, overlap="PT1H")
    assert (len(rotated["secrets"]), len(both["secrets"])) == (1, 2)
    await write(admin, "deleteWebhook", id=id)
    assert await webhook(admin, id) is None
    assert (await admin.ask("{ webhooks { id } }"))["webhooks"] == []
    assert await refused(admin, "enableWebhook", id=id) == [("ILLEGAL_TRANSITION", "id")]
    found = (await admin.ask("{ events(first: 100) { nodes { type data } } }"))["events"]["nodes"]
    told = [each["type"] for each in found if each["type"].startswith("webhook:")][::-1]
    assert told == [
        f"webhook:{each}"
        for each in (
            "created",
            "changed",
            "disabled",
            "enabled",
            "secret_rotated",
            "secret_rotated",
            "deleted",
        )
    ]
    assert SECRET not in str(found)


async def test_a_test_call_is_signed_and_tells_what_came_of_it(admin: Client, receiver: Partner) -> None:
    made = await create(admin, f"{receiver.url}/in", secret=SECRET)
    await write(admin, "disableWebhook", id=made["id"])
    fields = "ok status error milliseconds webhook { id }"
    tested = await payload(admin, "testWebhook", fields, id=made["id"])
    assert (tested["ok"], tested["status"], tested["error"]) == (True, 200, None)
    [request] = receiver.requests
    body = Verifier(SECRET).verify(request.body, request.headers)
    assert (body["type"], body["subject"], body["data"]) == ("webhook:test", made["id"], {"test": True})
    receiver.answers["/in"] = answer("500 No")
    tested = await payload(admin, "testWebhook", fields, id=made["id"])
    assert (tested["ok"], tested["status"]) == (False, 500)
    await write(admin, "changeWebhook", id=made["id"], address="http://10.0.0.1/")
    barred = await payload(admin, "testWebhook", fields, id=made["id"])
    assert (barred["ok"], barred["status"]) == (False, None)
    assert "10.0.0.1" not in barred["error"]
    assert await deliveries(admin, made["id"]) == []


async def test_a_secret_is_shown_nowhere_again(servers: Servers, tmp_path: Path, tenant: str) -> None:
    mark = "aG9va3NlY3JldGhvb2tzZWNyZXRob29rc2VjcmV0aG9v"  # no word of any test
    secret, written = f"whsec_{mark}", tmp_path / "log"
    given = {"name": "n", "address": "https://hooks.example", "types": ["*"], "secret": secret}
    said = []
    with logging_server(servers, written) as server:  # it has no key to keep secrets under
        async with client(server.url, tenant) as api:
            for mutation, right in (
                ("createWebhook", given),
                ("rotateWebhookSecret", {"id": "whk_x", "secret": secret}),
            ):
                kind = mutation[0].upper() + mutation[1:] + "Input"
                query = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ userErrors {{ message }} }} }}"
                for odd in (
                    {}, {"x": 1}, {"secret": [secret]}, {"secret": {"x": secret}}, {"secret": f"{secret}!"},
                    {"name": [secret]}, {"types": secret}, {"idempotencyKey": ""}, {"expectedRevision": secret},
                ):  # fmt: skip
                    said.append(json.dumps(await api.send(query, input=right | odd)))
                    assert "rror" in said[-1]
                literal = f'mutation {{ {mutation}(input: {{secret: "{secret}", x: 1}}) {{ settled }} }}'
                said += [json.dumps(await api.send(each)) for each in (literal, literal.replace("}", ""))]
        server.stop()
    assert mark not in "".join(said)
    assert mark not in written.read_text()
