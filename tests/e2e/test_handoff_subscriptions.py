"""Live handoffs from outside: the lists they come to and leave, and each person's own list of approvals."""

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import jwt
import pytest

from tests.e2e.harness import SECRET, Client, fresh
from tests.e2e.watching import TRANSPORTS, Watching, refused, told, watching

LIST = """subscription($filter: HandoffFilterInput, $after: String) { handoffChanges(filter: $filter, after: $after) {
  kind cursor reset handoff { id revision status assignedTo } events { type revision n } } }"""
WAITING = """subscription($after: String) { pendingApprovalsChanged(after: $after) {
  kind cursor reset handoff { id status } events { type } } }"""
RIGHTS = """subscription($after: String) { handoffChanges(after: $after) {
  handoff { allowedActions { action allowed } } } }"""
JOURNEYS = "subscription($after: String) { journeyChanges(after: $after) { kind journey { id } } }"
SEVERAL = pytest.mark.parametrize("transport", TRANSPORTS)

Login = Callable[..., Client]


@pytest.fixture
def login(api: Client, tenant: str) -> Login:
    """Somebody else of the tenant, with these roles and groups in the token."""

    def login(user: str, *roles: str) -> Client:
        claims = {"tenant": tenant, "sub": user, "roles": list(roles), "exp": int(time.time()) + 3600}
        return replace(api, token=jwt.encode(claims, SECRET, "HS256"))

    return login


async def do(api: Client, mutation: str, kind: str = "", **input: Any) -> dict[str, Any]:
    """The handoff after a mutation that is not refused."""
    kind = kind or mutation[0].upper() + mutation[1:] + "Input"
    answer = "handoff { id revision status } userErrors { code message path }"
    query = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {answer} }} }}"
    payload = (await api.ask(query, input=input))[mutation]
    assert payload["userErrors"] == [], payload
    found: dict[str, Any] = payload["handoff"]
    return found


async def hand_over(api: Client, name: str = "Call back") -> str:
    made = await do(api, "createHandoff", type="MANUAL", name=name, toPackage="people", customerId="c1")
    return str(made["id"])


async def ask_approval(api: Client, **policy: Any) -> str:
    input = {"type": "APPROVAL_REQUIRED", "name": "A discount", "toPackage": "sales", "customerId": "c1"}
    return str((await do(api, "createHandoff", **input, approval=policy))["id"])


async def approve(api: Client, id: str) -> dict[str, Any]:
    return await do(api, "approveHandoff", "DecideHandoffInput", id=id)


async def here(api: Client) -> str:
    return str((await api.ask("{ handoffs(first: 1) { liveCursor } }"))["handoffs"]["liveCursor"])


async def news(stream: Watching) -> tuple[str, str]:
    """What the next message says of which approval."""
    change = await told(stream, "pendingApprovalsChanged")
    return change["kind"], change["handoff"]["id"]


@SEVERAL
async def test_a_list_is_told_what_enters_it_changes_and_leaves_it(api: Client, transport: str) -> None:
    after, filter = await here(api), {"status": ["PENDING"], "toPackage": "people"}
    async with watching(transport, api, LIST, filter=filter, after=after) as stream:
        await ask_approval(api)  # nothing to this list
        id = await hand_over(api)
        await do(api, "reassignHandoff", id=id, user="bob")
        await do(api, "completeHandoff", id=id, output={"reached": True})
        changes = [await told(stream, "handoffChanges") for _ in range(3)]
    assert [change["kind"] for change in changes] == ["ENTERED", "UPDATED", "LEFT"]
    assert [change["events"][0]["type"] for change in changes] == [
        "handoff:created",
        "handoff:reassigned",
        "handoff:completed",
    ]
    for change in changes:
        assert change["handoff"]["id"] == id
        assert change["handoff"]["revision"] >= change["events"][0]["revision"]
        assert (change["cursor"] is not None, change["reset"]) == (True, False)


@SEVERAL
async def test_what_was_missed_comes_once_the_connection_is_back(api: Client, transport: str) -> None:
    id, after = await hand_over(api), await here(api)
    for n in range(3):
        await do(api, "reassignHandoff", id=id, user=f"u{n}")
    async with watching(transport, api, LIST, after=after) as stream:
        changes = [await told(stream, "handoffChanges")]
    async with watching(transport, api, LIST, after=changes[0]["cursor"]) as stream:
        changes += [await told(stream, "handoffChanges") for _ in range(2)]
        await do(api, "reassignHandoff", id=id, user="last")
        changes.append(await told(stream, "handoffChanges"))
    assert [change["events"][0]["revision"] for change in changes] == [2, 3, 4, 5]
    async with watching(transport, api, LIST, after=f"{'0' * 40}:1-0") as stream:
        reset = await told(stream, "handoffChanges")
    assert (reset["kind"], reset["reset"], reset["handoff"], reset["events"]) == ("RESET", True, None, [])


@SEVERAL
async def test_journeys_and_handoffs_do_not_disturb_each_others_lists(api: Client, transport: str) -> None:
    after = await here(api)
    async with (
        watching(transport, api, JOURNEYS, after=after) as journeys,
        watching(transport, api, LIST, after=after) as handoffs,
    ):
        handoff, journey = await hand_over(api), await api.start()
        await do(api, "cancelHandoff", id=handoff, reason="They called.")
        await api.do("pauseJourney", id=journey["id"])
        seen = [await told(journeys, "journeyChanges") for _ in range(2)]
        assert [each["journey"]["id"] for each in seen] == [journey["id"]] * 2
        changes = [await told(handoffs, "handoffChanges") for _ in range(2)]
        assert [each["handoff"]["id"] for each in changes] == [handoff] * 2


@SEVERAL
async def test_each_person_sees_the_approvals_that_wait_for_them(
    api: Client, login: Login, transport: str
) -> None:
    ann, bob, eve = (login(name, "approver", "operator") for name in ("ann", "bob", "eve"))
    after = await here(ann)
    async with AsyncExitStack() as stack:
        anns, bobs, eves = [
            await stack.enter_async_context(watching(transport, who, WAITING, after=after))
            for who in (ann, bob, eve)
        ]
        own = await ask_approval(ann, quorum=2)
        assert await news(bobs) == await news(eves) == ("ENTERED", own)
        await approve(bob, own)
        assert (await news(bobs), await news(eves)) == (("LEFT", own), ("UPDATED", own))
        assert (await approve(eve, own))["status"] == "COMPLETED"
        assert await news(eves) == ("LEFT", own)
        other = await ask_approval(bob)
        assert await news(anns) == await news(eves) == ("ENTERED", other)  # of her own she heard nothing
        await do(ann, "delegateApproval", id=other, to="eve")
        assert (await news(anns), await news(eves)) == (("LEFT", other), ("UPDATED", other))
        third = await ask_approval(eve)
        assert (
            await news(bobs) == await news(anns) == ("ENTERED", third)
        )  # of what he asked for he heard nothing
        await do(ann, "rejectHandoff", "DecideHandoffInput", id=third)
        assert await news(bobs) == await news(anns) == ("LEFT", third)


@SEVERAL
async def test_an_escalation_brings_an_approval_to_another_role_until_it_expires(
    api: Client, login: Login, transport: str
) -> None:
    lead, chief = login("bob", "approver", "team_lead"), login("eve", "approver", "chief")
    after = await here(api)
    policy = {"roles": ["team_lead"], "due": "PT1S", "whenDue": "ESCALATE", "escalateTo": "chief"}
    async with (
        watching(transport, lead, WAITING, after=after) as leads,
        watching(transport, chief, WAITING, after=after) as chiefs,
    ):
        id = await ask_approval(api, **policy)
        assert await news(leads) == ("ENTERED", id)
        change = await told(chiefs, "pendingApprovalsChanged")
        assert (change["kind"], change["handoff"]["id"]) == ("ENTERED", id)
        assert [event["type"] for event in change["events"]] == ["approval:escalated"]
        assert await news(leads) == ("UPDATED", id)
        change = await told(chiefs, "pendingApprovalsChanged")
        assert (change["kind"], change["handoff"]["status"]) == ("LEFT", "EXPIRED")
        assert await news(leads) == ("LEFT", id)


@SEVERAL
async def test_somebodys_approvals_are_watched_from_where_they_were_read(
    api: Client, login: Login, transport: str
) -> None:
    bob = login("bob", "approver")
    old = await ask_approval(api)
    read = (await bob.ask("{ pendingApprovals(first: 9) { liveCursor nodes { id } } }"))["pendingApprovals"]
    assert read["nodes"] == [{"id": old}]
    new = await ask_approval(api)
    await approve(bob, old)
    async with watching(transport, bob, WAITING, after=read["liveCursor"]) as stream:
        assert await news(stream) == ("ENTERED", new)
        change = await told(stream, "pendingApprovalsChanged")
        assert (change["kind"], change["handoff"]["id"]) == ("LEFT", old)
        await approve(bob, new)
        assert await news(stream) == ("LEFT", new)
    async with watching(transport, bob, WAITING, after=change["cursor"]) as stream:
        assert await news(stream) == ("LEFT", new)
    async with watching(transport, bob, WAITING, after=f"{'0' * 40}:1-0") as stream:
        reset = await told(stream, "pendingApprovalsChanged")
        assert (reset["kind"], reset["reset"], reset["handoff"]) == ("RESET", True, None)


async def test_people_with_the_same_roles_are_each_told_what_they_may_do(api: Client, login: Login) -> None:
    ann, bob = login("ann", "approver", "operator"), login("bob", "approver", "operator")
    chief = login("ann", "approver", "operator", "chief")  # the same person with a token that says more
    after = await here(api)
    async with AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(watching("websocket", who, RIGHTS, after=after))
            for who in (ann, bob, chief)
        ]
        await ask_approval(bob)
        await ask_approval(bob, roles=["chief"])
        may = []
        for stream in streams:
            changes = [await told(stream, "handoffChanges") for _ in range(2)]
            may.append(
                [
                    action["allowed"]
                    for change in changes
                    for action in change["handoff"]["allowedActions"]
                    if action["action"] == "APPROVE"
                ]
            )
    assert may == [[True, False], [False, False], [True, True]]


@SEVERAL
async def test_only_who_decides_watches_approvals_and_nobody_another_tenants(
    api: Client, login: Login, transport: str
) -> None:
    for roles in (("viewer", "operator"), ("service",), ("chief",)):
        async with watching(transport, login("bob", *roles), WAITING) as stream:
            assert await refused(stream) == "FORBIDDEN"
    async with watching(transport, login("bob", "approver"), WAITING, after="yesterday") as stream:
        assert await refused(stream) == "BAD_CURSOR"
    claims = {"tenant": fresh(), "sub": "bob", "roles": ["admin"], "exp": int(time.time()) + 3600}
    foreign = replace(api, token=jwt.encode(claims, SECRET, "HS256"))
    after = await here(foreign)
    async with (
        watching(transport, foreign, WAITING, after=after) as waiting,
        watching(transport, foreign, LIST, after=after) as handoffs,
    ):
        await ask_approval(api)
        own = await ask_approval(replace(foreign, token=jwt.encode(claims | {"sub": "eve"}, SECRET, "HS256")))
        assert await news(waiting) == ("ENTERED", own)
        assert (await told(handoffs, "handoffChanges"))["handoff"]["id"] == own
