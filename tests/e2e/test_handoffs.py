"""Handoffs from outside: made, taken up, done, failed, retried, found."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.e2e.handing import act, done, forbidden, handoff, manual, refused, somebody
from tests.e2e.harness import Client, Server, fresh

HISTORY = "history(first: 100) { nodes { type } }"
EVERY = (
    ("processHandoff", {}),
    ("completeHandoff", {}),
    ("failHandoff", {"reason": "no"}),
    ("cancelHandoff", {}),
    ("reassignHandoff", {"user": "bob"}),
    ("changeHandoffData", {"changes": {"a": 1}}),
    ("retryHandoff", {"reason": "again"}),
    ("approveHandoff", {}),
    ("rejectHandoff", {}),
    ("delegateApproval", {"to": "bob"}),
)


async def types(api: Client, id: str) -> list[str]:
    return [each["type"] for each in (await handoff(api, id, HISTORY))["history"]["nodes"]]


async def test_a_person_takes_work_up_passes_it_on_and_reports_its_result(
    server: Server, api: Client
) -> None:
    made = await manual(api, data={"street": "Elm"}, requiredData=["street"], customerId="c1")
    assert (made["status"], made["revision"], made["requester"]) == (
        "PENDING",
        1,
        {"kind": "USER", "id": "ann"},
    )
    taken = await done(api, "processHandoff", id=made["id"])
    assert (taken["status"], taken["assignedTo"]) == ("IN_PROGRESS", "ann")
    passed = await done(api, "reassignHandoff", id=made["id"], user="bob")
    assert passed["assignedTo"] == "bob"
    payload = await act(api, "completeHandoff", id=made["id"], output={"signed": True, "photos": [1, 2]})
    assert (payload["late"], payload["settled"], payload["userErrors"]) == (False, True, [])
    assert payload["handoff"]["status"] == "COMPLETED"
    assert payload["handoff"]["output"] == {"signed": True, "photos": [1, 2]}
    assert await types(api, made["id"]) == [
        "handoff:created",
        "handoff:started",
        "handoff:reassigned",
        "handoff:completed",
    ]
    await refused(api, "ILLEGAL_TRANSITION", "completeHandoff", id=made["id"])


async def test_a_partner_with_the_role_of_a_system_may_report_what_it_did(
    server: Server, api: Client, tenant: str
) -> None:
    made = await manual(api)
    async with somebody(server, tenant, "crew", "service") as crew:
        completed = await done(crew, "completeHandoff", id=made["id"], output="all well")
    assert (completed["status"], completed["output"]) == ("COMPLETED", "all well")


async def test_a_result_that_comes_after_the_end_is_kept_and_changes_nothing(api: Client) -> None:
    made = await manual(api)
    await done(api, "cancelHandoff", id=made["id"], reason="sold elsewhere")
    for mutation, given in (("completeHandoff", {"output": 1}), ("failHandoff", {"reason": "nobody home"})):
        payload = await act(api, mutation, id=made["id"], **given)
        assert (payload["late"], payload["userErrors"]) == (True, [])
        assert payload["handoff"]["status"] == "CANCELLED"
        assert payload["handoff"]["output"] is None
    assert (await types(api, made["id"]))[-2:] == ["handoff:late_result"] * 2


async def test_a_retry_needs_changed_data_or_a_reason_and_begins_a_new_round(api: Client) -> None:
    made = await manual(api, data={"street": "Elm"})
    await done(api, "failHandoff", id=made["id"], reason="wrong street")
    failed = await handoff(api, made["id"], "idempotencyKey")
    assert (failed["status"], failed["failure"], failed["reason"]) == ("FAILED", "REPORTED", "wrong street")
    for nothing in ({}, {"reason": "  "}, {"changes": {}}):
        [error] = await refused(api, "INVALID_INPUT", "retryHandoff", id=made["id"], **nothing)
        assert error["path"] == ["reason"]
    again = await done(api, "retryHandoff", "idempotencyKey", id=made["id"], changes={"street": "Oak"})
    assert (again["status"], again["round"], again["data"]) == ("PENDING", 2, {"street": "Oak"})
    assert (again["failure"], again["reason"], again["endedAt"]) == (None, None, None)
    assert again["idempotencyKey"] != failed["idempotencyKey"]
    await refused(api, "ILLEGAL_TRANSITION", "retryHandoff", id=made["id"], reason="again")


async def test_what_cannot_be_done_as_it_is_given_is_refused_with_every_reason(api: Client) -> None:
    base = {"type": "MANUAL", "name": "Visit", "toPackage": "crew"}
    errors = await refused(
        api, "INVALID_INPUT", "createHandoff", **base, data={"a": {"b": None}}, requiredData=["a.b", "c"]
    )
    assert [each["path"] for each in errors] == [["data", "a.b"], ["data", "c"]]
    automatic = base | {"type": "AUTOMATIC", "action": "convert_lead"}
    [error] = await refused(api, "INVALID_INPUT", "createHandoff", **automatic)
    assert error["path"] == ["toPackage"]
    errors = await refused(api, "INVALID_INPUT", "createHandoff", **automatic | {"toPackage": "crm"})
    assert ["data", "leadId"] in [each["path"] for each in errors]
    past = (datetime.now(UTC) - timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for wrong, path in (
        ({"dueAt": past}, ["dueAt"]),
        ({"name": " "}, ["name"]),
        ({"toPackage": ""}, ["toPackage"]),
        ({"approval": {}}, ["approval"]),
        ({"type": "APPROVAL_REQUIRED"}, ["approval"]),
        ({"type": "APPROVAL_REQUIRED", "approval": {"quorum": 21}}, ["approval", "quorum"]),
        ({"type": "APPROVAL_REQUIRED", "approval": {"roles": ["x"] * 21}}, ["approval", "roles"]),
        ({"type": "APPROVAL_REQUIRED", "approval": {}, "dueAt": "2999-01-01T00:00:00Z"}, ["dueAt"]),
        ({"requiredData": [f"p{n}" for n in range(51)]}, ["requiredData"]),
        ({"requiredData": [""]}, ["requiredData"]),
        ({"data": [1]}, ["data"]),
    ):
        [error] = await refused(api, "INVALID_INPUT", "createHandoff", **base | wrong)
        assert error["path"] == path, wrong
    [error] = await refused(api, "NOT_FOUND", "createHandoff", **base, journeyId="jrn_unknown")
    assert error["path"] == ["journeyId"]
    assert (await api.ask("{ handoffs { totalCount } }"))["handoffs"]["totalCount"] == 0


async def test_data_and_results_have_a_size(api: Client) -> None:
    made = await manual(api, data={"a": "x" * 200_000})
    [error] = await refused(api, "TOO_LARGE", "completeHandoff", id=made["id"], output=["x" * 65_536])
    assert error["path"] == ["output"]
    [error] = await refused(
        api, "TOO_LARGE", "changeHandoffData", id=made["id"], changes={"b": "x" * 200_000}
    )
    assert error["path"] == ["changes"]
    await done(api, "changeHandoffData", id=made["id"], changes={"a": None, "b": "x" * 200_000})
    completed = await done(api, "completeHandoff", id=made["id"], output="x" * 65_000)
    assert len(completed["output"]) == 65_000


async def test_a_command_given_twice_under_one_key_is_carried_out_once(api: Client) -> None:
    made = [await manual(api, idempotencyKey="make") for _ in range(2)]
    assert made[0] == made[1]
    await refused(
        api,
        "IDEMPOTENCY_KEY_REUSED",
        "createHandoff",
        type="MANUAL",
        name="Other",
        toPackage="x",
        idempotencyKey="make",
    )
    id = made[0]["id"]
    for _ in range(2):
        failed = await done(api, "failHandoff", id=id, reason="no", idempotencyKey="fail")
        assert (failed["status"], failed["revision"]) == ("FAILED", 2)
    for _ in range(2):
        again = await done(api, "retryHandoff", id=id, reason="yes", idempotencyKey="retry")
        assert (again["status"], again["round"], again["revision"]) == ("PENDING", 2, 3)
    [error] = await refused(
        api, "IDEMPOTENCY_KEY_REUSED", "retryHandoff", id=id, reason="no", idempotencyKey="retry"
    )
    assert error["path"] == ["idempotencyKey"]


async def test_whoever_expects_another_revision_is_told_the_current_one(api: Client) -> None:
    made = await manual(api)
    await done(api, "processHandoff", id=made["id"], expectedRevision=1)
    for mutation, given in EVERY:
        if mutation != "retryHandoff":
            [error] = await refused(api, "CONFLICT", mutation, id=made["id"], expectedRevision=1, **given)
            assert error["currentRevision"] == 2


@pytest.mark.parametrize(("mutation", "given"), EVERY)
async def test_another_tenants_handoff_looks_as_one_that_there_never_was(
    server: Server, api: Client, mutation: str, given: dict[str, Any]
) -> None:
    made = await manual(api)
    async with somebody(server, fresh(), "eve", "admin") as eve:
        [other] = await refused(eve, "NOT_FOUND", mutation, id=made["id"], **given)
        [none] = await refused(eve, "NOT_FOUND", mutation, id="hof_none", **given)
        assert other["message"].replace(made["id"], "hof_none") == none["message"]
        assert other["path"] == none["path"] == ["id"]
        assert await handoff(eve, made["id"]) is None
        found = await eve.ask(
            "query($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } handoffs { totalCount } }",
            id=made["id"],
        )
        assert found == {"node": None, "nodes": [None], "handoffs": {"totalCount": 0}}
    assert await handoff(api, made["id"]) == made


async def test_who_may_only_look_is_refused_and_learns_nothing(
    server: Server, api: Client, tenant: str
) -> None:
    made = await manual(api)
    async with somebody(server, tenant, "vic", "viewer", "field") as viewer:
        for mutation, given in EVERY:
            words = {await forbidden(viewer, mutation, id=id, **given) for id in (made["id"], "hof_none")}
            assert len(words) == 1
        await forbidden(viewer, "createHandoff", type="MANUAL", name="x", toPackage="x")
        assert (await handoff(viewer, made["id"]))["id"] == made["id"]
        allowed = await handoff(viewer, made["id"], "allowedActions { action allowed reason }")
        assert not any(each["allowed"] for each in allowed["allowedActions"])
        assert all(each["reason"] for each in allowed["allowedActions"])
    assert await handoff(api, made["id"]) == made


async def test_allowed_actions_are_those_that_would_be_carried_out(api: Client) -> None:
    made = await manual(api)
    found = await handoff(api, made["id"], "allowedActions { action allowed }")
    assert {each["action"] for each in found["allowedActions"] if each["allowed"]} == {
        "PROCESS",
        "COMPLETE",
        "FAIL",
        "CANCEL",
        "REASSIGN",
        "CHANGE_DATA",
    }


async def test_a_handoff_of_a_journey_is_found_there_and_does_not_move_it(api: Client) -> None:
    journey = await api.start(customerId="cust_1", leadId="lead_1")
    made = await manual(api, journeyId=journey["id"])
    second = await manual(api, journeyId=journey["id"], customerId="cust_2")
    read = """query($id: ID!) { journey(id: $id) { revision incident handoff { id }
      handoffs { totalCount nodes { id customerId leadId step visit journey { id revision } } } } }"""
    found = (await api.ask(read, id=journey["id"]))["journey"]
    home = {"id": journey["id"], "revision": journey["revision"]}
    assert found["handoffs"] == {
        "totalCount": 2,
        "nodes": [
            {
                "id": id,
                "customerId": customer,
                "leadId": "lead_1",
                "step": None,
                "visit": None,
                "journey": home,
            }
            for id, customer in ((second["id"], "cust_2"), (made["id"], "cust_1"))
        ],
    }
    await done(api, "completeHandoff", id=made["id"])
    found = (await api.ask(read, id=journey["id"]))["journey"]
    assert (found["revision"], found["incident"], found["handoff"]) == (journey["revision"], False, None)


async def test_handoffs_are_found_by_filter_order_page_and_id(api: Client) -> None:
    made = [(await manual(api, toPackage=f"crew{n % 2}", customerId=f"c{n}"))["id"] for n in range(5)]
    await done(api, "processHandoff", id=made[0])
    query = """query($filter: HandoffFilterInput, $orderBy: HandoffOrder!, $first: Int, $after: String) {
      handoffs(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
        liveCursor totalCount nodes { id } pageInfo { hasNextPage endCursor } } }"""

    async def ids(orderBy: str = "CREATED_AT", **filter: Any) -> list[str]:  # noqa: N803  # GraphQL's name
        found = (await api.ask(query, filter=filter, orderBy=orderBy))["handoffs"]
        assert found["totalCount"] == len(found["nodes"])
        assert found["liveCursor"]
        return [each["id"] for each in found["nodes"]]

    assert await ids() == made[::-1]
    assert await ids("LAST_ACTIVITY") == [made[0], *made[:0:-1]]
    assert await ids(status=["IN_PROGRESS"]) == made[:1]
    assert await ids(status=["IN_PROGRESS", "PENDING"], toPackage="crew0") == [made[4], made[2], made[0]]
    assert await ids(customerId="c3") == [made[3]]
    assert await ids(type=["AUTOMATIC"]) == []
    first = (await api.ask(query, orderBy="CREATED_AT", first=3))["handoffs"]
    assert first["pageInfo"]["hasNextPage"]
    rest = await api.ask(query, orderBy="CREATED_AT", after=first["pageInfo"]["endCursor"])
    assert [each["id"] for each in first["nodes"] + rest["handoffs"]["nodes"]] == made[::-1]
    found = await api.ask(
        "query($ids: [ID!]!, $id: ID!) { nodes(ids: $ids) { __typename id } node(id: $id) { id } }",
        ids=[made[1], "hof_none", made[0]],
        id=made[2],
    )
    assert [each and each["id"] for each in found["nodes"]] == [made[1], None, made[0]]
    assert found["node"]["id"] == made[2]


async def test_failed_handoffs_are_listed_until_they_are_retried_the_latest_first(api: Client) -> None:
    made = [(await manual(api))["id"] for _ in range(4)]
    for n in (2, 0, 3):
        await done(api, "failHandoff", id=made[n], reason="no")

    async def failed() -> list[str]:
        found = await api.ask("{ failedHandoffs { totalCount nodes { id failure } } }")
        nodes = found["failedHandoffs"]["nodes"]
        assert found["failedHandoffs"]["totalCount"] == len(nodes)
        assert {each["failure"] for each in nodes} <= {"REPORTED"}
        return [each["id"] for each in nodes]

    assert await failed() == [made[3], made[0], made[2]]
    await done(api, "retryHandoff", id=made[0], reason="the crew is back")
    assert await failed() == [made[3], made[2]]
