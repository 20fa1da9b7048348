"""Approvals from outside: who may decide, whose decision counts, and what everybody else is told."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx

from domain.identity import Role
from tests.e2e.handing import act, approval, done, forbidden, handoff, manual, pending, refused, somebody
from tests.e2e.harness import Client, Server, eventually, fresh, token

TEMPLATE = (
    "mutation($input: TemplateInput!) { createTemplate(input: $input) { userErrors { code message } } }"
)


@asynccontextmanager
async def approvers(server: Server, tenant: str, *users: str) -> AsyncIterator[list[Client]]:
    async with AsyncExitStack() as stack:
        opened = [somebody(server, tenant, user, "approver") for user in users]
        yield [await stack.enter_async_context(each) for each in opened]


async def test_two_of_two_approve_and_each_counts_once(server: Server, api: Client, tenant: str) -> None:
    made = await approval(api, policy={"quorum": 2})
    assert (made["status"], made["approval"]["missing"]) == ("PENDING", 2)
    async with approvers(server, tenant, "bob", "eve", "joe") as (bob, eve, joe):
        for _ in range(2):
            first = await done(bob, "approveHandoff", id=made["id"], comment="fine by me")
            assert (first["status"], first["approval"]["missing"], first["revision"]) == ("PENDING", 1, 2)
        second = await done(eve, "approveHandoff", id=made["id"])
        assert (second["status"], second["approval"]["missing"]) == ("COMPLETED", 0)
        assert second["output"] == {"approvedBy": ["bob", "eve"]}
        assert [
            (each["by"]["id"], each["verdict"], each["comment"], each["policy"]["quorum"])
            for each in second["approval"]["decisions"]
        ] == [("bob", "APPROVE", "fine by me", 2), ("eve", "APPROVE", None, 2)]
        for mutation in ("approveHandoff", "rejectHandoff"):
            [error] = await refused(joe, "ALREADY_DECIDED", mutation, id=made["id"])
            assert error["decidedBy"] == ["bob", "eve"]
        [error] = await refused(bob, "ALREADY_DECIDED", "rejectHandoff", id=made["id"])
        assert (await done(bob, "approveHandoff", id=made["id"]))["revision"] == second["revision"]


async def test_of_fifty_approvals_at_the_same_moment_exactly_the_quorum_counts(
    server: Server, api: Client, tenant: str
) -> None:
    made = await approval(api, policy={"quorum": 3})
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=50)) as http:
        users = [f"user{n}" for n in range(50)]
        clients = [Client(http, server.url, token(tenant, Role.APPROVER, user=user)) for user in users]
        payloads = await asyncio.gather(*(act(each, "approveHandoff", id=made["id"]) for each in clients))
    counted = [user for user, told in zip(users, payloads, strict=True) if not told["userErrors"]]
    assert len(counted) == 3
    ended = await handoff(api, made["id"], "history(first: 100) { nodes { type actor { id } } }")
    assert (ended["status"], ended["approval"]["missing"]) == ("COMPLETED", 0)
    assert sorted(each["by"]["id"] for each in ended["approval"]["decisions"]) == sorted(counted)
    given = [each for each in ended["history"]["nodes"] if each["type"] == "approval:given"]
    assert sorted(each["actor"]["id"] for each in given) == sorted(counted)
    late = [told["userErrors"] for told in payloads if told["userErrors"]]
    assert Counter(error["code"] for [error] in late) == {"ALREADY_DECIDED": 47}
    assert all(sorted(error["decidedBy"]) == sorted(counted) for [error] in late)


async def test_whoever_asked_decides_nowhere_not_in_bulk_and_not_by_delegation(
    server: Server, api: Client, tenant: str
) -> None:
    made = await approval(api)
    for mutation, given in (
        ("approveHandoff", {}),
        ("rejectHandoff", {}),
        ("delegateApproval", {"to": "bob"}),
    ):
        await refused(api, "CANNOT_DECIDE", mutation, id=made["id"], **given)
    for mutation in ("approveHandoffs", "rejectHandoffs"):
        payload = await act(api, mutation, ids=[made["id"]])
        [result] = payload["results"]
        assert [each["code"] for each in result["userErrors"]] == ["CANNOT_DECIDE"]
        assert result["handoff"] is None
    async with approvers(server, tenant, "bob") as [bob]:
        [error] = await refused(bob, "INVALID_INPUT", "delegateApproval", id=made["id"], to="ann")
        assert error["path"] == ["to"]
    async with somebody(server, tenant, "ann", "approver") as other_token:
        await refused(other_token, "CANNOT_DECIDE", "approveHandoff", id=made["id"])
    assert await handoff(api, made["id"]) == made
    lenient = await approval(api, policy={"requesterMayDecide": True})
    assert (await done(api, "approveHandoff", id=lenient["id"]))["status"] == "COMPLETED"


async def test_a_system_that_asked_does_not_decide_under_a_token_of_another_kind(
    server: Server, tenant: str
) -> None:
    async with somebody(server, tenant, "robot", "service") as system:
        made = await approval(system)
        assert made["requester"] == {"kind": "SERVICE", "id": "robot"}
    async with somebody(server, tenant, "robot", "approver") as person:
        await refused(person, "CANNOT_DECIDE", "approveHandoff", id=made["id"])
        assert await pending(person) == []


async def test_a_policy_names_roles_and_groups_of_the_token(server: Server, api: Client, tenant: str) -> None:
    made = await approval(api, policy={"roles": ["noc-lead"]})
    async with approvers(server, tenant, "bob") as [bob]:
        [error] = await refused(bob, "CANNOT_DECIDE", "approveHandoff", id=made["id"])
        assert "noc-lead" in error["message"]
        assert await pending(bob) == []
    async with somebody(server, tenant, "kim", "noc-lead") as nobody:  # a group is no role of this service
        await forbidden(nobody, "approveHandoff", id=made["id"])
    async with somebody(server, tenant, "eve", "approver", "noc-lead") as lead:
        assert await pending(lead) == [made["id"]]
        assert (await done(lead, "approveHandoff", id=made["id"]))["status"] == "COMPLETED"
    second = await approval(api, policy={"roles": ["noc-lead"]})
    async with somebody(server, tenant, "root", "admin") as admin:
        assert (await done(admin, "approveHandoff", id=second["id"]))["status"] == "COMPLETED"


async def test_whoever_may_not_decide_is_refused_before_anything_is_read(
    server: Server, api: Client, tenant: str
) -> None:
    made = await approval(api)
    decisions = [("approveHandoff", {}), ("rejectHandoff", {}), ("delegateApproval", {"to": "vic"})]
    for roles in (("viewer",), ("operator", "approver-group"), ("service",)):
        async with somebody(server, tenant, "vic", *roles) as vic:
            for mutation, given in decisions:
                words = {
                    await forbidden(vic, mutation, id=id, **given)
                    for id in (made["id"], "hof_none", "jrn_none", "")
                }
                assert len(words) == 1
            for mutation in ("approveHandoffs", "rejectHandoffs"):
                await forbidden(vic, mutation, ids=[made["id"], "hof_none"])
            body = await vic.send("{ pendingApprovals { totalCount nodes { id } } }")
            assert [each["extensions"]["code"] for each in body["errors"]] == ["FORBIDDEN"]
    async with somebody(server, tenant, "bob", "approver") as bob:
        await forbidden(bob, "createHandoff", type="MANUAL", name="x", toPackage="x")
        await forbidden(bob, "changeHandoffData", id=made["id"], changes={"a": 1})
    async with somebody(server, fresh(), "eve", "approver") as eve:
        for mutation, given in decisions:
            await refused(eve, "NOT_FOUND", mutation, id=made["id"], **given)
        assert await pending(eve) == []
    assert await handoff(api, made["id"]) == made


async def test_one_rejection_ends_it_at_once(server: Server, api: Client, tenant: str) -> None:
    made = await approval(api, policy={"quorum": 3})
    async with approvers(server, tenant, "bob", "eve", "joe") as (bob, eve, joe):
        await done(bob, "approveHandoff", id=made["id"])
        ended = await done(eve, "rejectHandoff", id=made["id"], comment="too dear")
        assert (ended["status"], ended["reason"]) == ("REJECTED", "too dear")
        assert ended["endedAt"]
        [error] = await refused(joe, "ALREADY_DECIDED", "approveHandoff", id=made["id"])
        assert error["decidedBy"] == ["bob", "eve"]
    await refused(api, "ILLEGAL_TRANSITION", "retryHandoff", id=made["id"], reason="please")
    await refused(api, "ILLEGAL_TRANSITION", "completeHandoff", id=made["id"])


async def test_other_data_voids_what_was_decided_before(server: Server, api: Client, tenant: str) -> None:
    made = await approval(api, policy={"quorum": 2}, data={"amount": 10})
    async with approvers(server, tenant, "bob", "eve") as (bob, eve):
        await done(bob, "approveHandoff", id=made["id"])
        assert await pending(bob) == []
        changed = await done(api, "changeHandoffData", id=made["id"], changes={"amount": 10_000})
        assert (changed["approval"]["missing"], changed["data"]) == (2, {"amount": 10_000})
        assert [each["voided"] for each in changed["approval"]["decisions"]] == [True]
        assert await pending(bob) == [made["id"]]
        await done(eve, "approveHandoff", id=made["id"])
        ended = await done(bob, "approveHandoff", id=made["id"])
        assert ended["status"] == "COMPLETED"
        assert [each["voided"] for each in ended["approval"]["decisions"]] == [True, False, False]


async def test_a_delegate_decides_instead_until_it_is_taken_back(
    server: Server, api: Client, tenant: str
) -> None:
    made = await approval(api, policy={"roles": ["lead"]})
    async with (
        somebody(server, tenant, "bob", "approver", "lead") as bob,
        approvers(server, tenant, "eve") as [eve],
    ):
        await refused(eve, "CANNOT_DECIDE", "approveHandoff", id=made["id"])
        await refused(eve, "CANNOT_DECIDE", "delegateApproval", id=made["id"], to="joe")
        handed = await done(bob, "delegateApproval", id=made["id"], to="eve")
        assert handed["approval"]["delegations"] == [{"by": "bob", "to": "eve"}]
        assert (await pending(bob), await pending(eve)) == ([], [made["id"]])
        await refused(bob, "CANNOT_DECIDE", "approveHandoff", id=made["id"])
        await done(bob, "delegateApproval", id=made["id"], to="bob")
        assert (await pending(bob), await pending(eve)) == ([made["id"]], [])
        await refused(eve, "CANNOT_DECIDE", "approveHandoff", id=made["id"])
        await done(bob, "delegateApproval", id=made["id"], to="eve")
        assert (await done(eve, "approveHandoff", id=made["id"]))["status"] == "COMPLETED"


async def test_a_decision_given_twice_under_one_key_is_one_and_an_old_revision_is_refused(
    server: Server, api: Client, tenant: str
) -> None:
    made = await approval(api, policy={"quorum": 2})
    async with approvers(server, tenant, "bob", "eve") as (bob, eve):
        for _ in range(2):
            told = await done(bob, "approveHandoff", id=made["id"], comment="ok", idempotencyKey="mine")
            assert told["revision"] == 2
        other = {"id": made["id"], "comment": "hm", "idempotencyKey": "mine"}
        await refused(bob, "IDEMPOTENCY_KEY_REUSED", "approveHandoff", **other)
        assert (await act(eve, "approveHandoff", **other))["userErrors"] == []  # a key is its user's own
        second = await approval(api, policy={"quorum": 2})
        await done(bob, "approveHandoff", id=second["id"])
        [error] = await refused(eve, "CONFLICT", "approveHandoff", id=second["id"], expectedRevision=1)
        assert error["currentRevision"] == 2


async def test_the_list_of_ones_approvals_runs_by_due_time_in_pages_without_what_one_may_not_decide(
    server: Server, api: Client, tenant: str
) -> None:
    late = await approval(api, policy={"due": "P3D"})
    never = await approval(api)
    soon = await approval(api, policy={"due": "PT1H"})
    middle = await approval(api, policy={"due": "P1D", "roles": ["lead", "approver"]})
    await approval(api, policy={"roles": ["lead"], "due": "PT1M"})
    await manual(api)
    order = [each["id"] for each in (soon, middle, late, never)]
    async with (
        approvers(server, tenant, "bob") as [bob],
        somebody(server, tenant, "cat", "approver", "operator") as cat,
    ):
        own = await approval(cat)
        assert await pending(bob) == [*order, own["id"]]
        assert await pending(cat) == order
        assert await pending(api) == [own["id"]]
        query = """query($after: String, $before: String, $first: Int, $last: Int) {
          pendingApprovals(first: $first, after: $after, last: $last, before: $before) {
            liveCursor totalCount nodes { id dueAt }
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
        page = (await cat.ask(query, first=3))["pendingApprovals"]
        assert page["totalCount"] == 4
        assert page["liveCursor"]
        assert [each["id"] for each in page["nodes"]] == order[:3]
        assert page["pageInfo"]["hasNextPage"]
        rest = (await cat.ask(query, first=3, after=page["pageInfo"]["endCursor"]))["pendingApprovals"]
        assert [each["id"] for each in rest["nodes"]] == order[3:]
        assert [each["dueAt"] for each in rest["nodes"]] == [None]
        assert not rest["pageInfo"]["hasNextPage"]
        back = (await cat.ask(query, last=2, before=rest["pageInfo"]["startCursor"]))["pendingApprovals"]
        assert [each["id"] for each in back["nodes"]] == order[1:3]
        assert back["pageInfo"]["hasPreviousPage"]
        await done(cat, "approveHandoff", id=soon["id"])
        await done(api, "cancelHandoff", id=middle["id"])
        assert await pending(cat) == order[2:]
        assert (await cat.ask(query, first=1))["pendingApprovals"]["totalCount"] == 2


async def test_allowed_actions_of_an_approval_are_the_viewers_own(
    server: Server, api: Client, tenant: str
) -> None:
    made = await approval(api, policy={"quorum": 2})
    ask = "allowedActions { action allowed reason }"

    async def decisions(viewer: Client) -> dict[str, str | None]:
        found = (await handoff(viewer, made["id"], ask))["allowedActions"]
        names = ("APPROVE", "REJECT", "DELEGATE")
        return {each["action"]: each["reason"] for each in found if each["action"] in names}

    async with approvers(server, tenant, "bob") as [bob]:
        assert await decisions(bob) == {"APPROVE": None, "REJECT": None, "DELEGATE": None}
        assert all((await decisions(api)).values())  # who asked is told why not
        await done(bob, "approveHandoff", id=made["id"])
        assert all((await decisions(bob)).values())


async def test_a_step_that_needs_an_approval_goes_on_when_it_is_given(
    server: Server, api: Client, tenant: str
) -> None:
    steps = [
        {
            "id": "check",
            "name": "Check",
            "stage": "LEAD",
            "order": 1,
            "type": "APPROVAL",
            "approval": {"quorum": 1, "due": "P2D"},
        },
        {"id": "do", "name": "Do", "stage": "LEAD", "order": 2},
    ]
    settings = {"reentry": "ANY_TIME", "autoProgress": True}
    template = {"id": "gate", "name": "Gate", "category": "CUSTOM", "steps": steps, "settings": settings}
    assert (await api.ask(TEMPLATE, input=template))["createTemplate"]["userErrors"] == []
    journey = await api.start("gate", customerId="c1")
    read = """query($id: ID!) { journey(id: $id) { currentStepId incident
      handoff { id status step visit customerId requester { id } journey { id } approval { missing dueAt } }
      handoffs { nodes { id status } } } }"""

    async def made() -> bool:
        return (await api.ask(read, id=journey["id"]))["journey"]["handoff"] is not None

    await eventually(made, "the step's approval")
    found = (await api.ask(read, id=journey["id"]))["journey"]["handoff"]
    assert (found["status"], found["step"], found["visit"], found["customerId"]) == (
        "PENDING",
        "check",
        1,
        "c1",
    )
    assert (found["requester"], found["journey"]) == ({"id": "ann"}, {"id": journey["id"]})
    assert found["approval"]["dueAt"]
    await refused(api, "CANNOT_DECIDE", "approveHandoff", id=found["id"])
    async with approvers(server, tenant, "bob") as [bob]:
        assert await pending(bob) == [found["id"]]
        await done(bob, "approveHandoff", id=found["id"])

    async def went_on() -> bool:
        return (await api.ask(read, id=journey["id"]))["journey"]["currentStepId"] == "do"

    await eventually(went_on, "the next step")
    after = (await api.ask(read, id=journey["id"]))["journey"]
    assert (after["handoff"], after["incident"]) == (None, False)
    assert after["handoffs"]["nodes"] == [{"id": found["id"], "status": "COMPLETED"}]
