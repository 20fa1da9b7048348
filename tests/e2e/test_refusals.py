"""Wrong input to a mutation gets its documented code, and nothing changes."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from tests.e2e.harness import Client, Server, client
from tests.e2e.refusals import SAMPLE, errors, give, make_template, refused, send, unchanged

# What each mutation needs beside the id, and in which states it is legal.
LIVE = ("active", "paused", "failed")
COMMANDS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "advanceJourney": ({}, ("active",)),
    "skipStep": ({"reason": "why"}, ("active",)),
    "retryStep": ({}, ("failed",)),
    "failStep": ({"reason": "why"}, ("active",)),
    "pauseJourney": ({}, ("active",)),
    "resumeJourney": ({}, ("paused",)),
    "completeJourney": ({}, ("active",)),
    "abandonJourney": ({}, LIVE),
    "assignJourney": ({"user": "ann"}, LIVE),
    "setJourneyPriority": ({"priority": "HIGH"}, LIVE),
    "updateJourneyContext": ({"changes": {"a": 1}}, LIVE),
}
WAYS = {
    "active": (),
    "paused": ("pauseJourney",),
    "failed": ("failStep",),
    "completed": ("completeJourney",),
    "abandoned": ("abandonJourney",),
}
ALL_WITH_IDS: list[tuple[str, dict[str, Any]]] = [
    *((mutation, {"id": "ID"} | more) for mutation, (more, _) in COMMANDS.items()),
    ("addTouchpoints", {"touchpoints": [{"kind": "call", "channel": "phone", "journeyId": "ID"}]}),
    ("addConversions", {"conversions": [{"kind": "sale", "toStage": "LEAD", "journeyId": "ID"}]}),
    ("migrateJourneys", {"ids": ["ID"], "toVersion": 2}),
]
BIG = {"text": "x" * 1024 * 1024}


async def begun(api: Client, status: str = "active") -> dict[str, Any]:
    """A journey of the sample template in this state."""
    journey = await api.start("sample")
    for mutation in WAYS[status]:
        payload = await api.do(mutation, id=journey["id"], **COMMANDS[mutation][0])
        journey = payload["journey"]
    return journey


@pytest.fixture
async def other(server: Server) -> AsyncIterator[Client]:
    """An administrator of another tenant."""
    async with client(server.url, f"t{uuid4().hex[:12]}") as other:
        yield other


@pytest.mark.parametrize("status", WAYS)
async def test_no_mutation_leads_out_of_a_state_that_does_not_allow_it(api: Client, status: str) -> None:
    await make_template(api)
    journey = await begun(api, status)
    assert journey["status"] == status.upper()
    async with unchanged(api):
        for mutation, (more, legal) in COMMANDS.items():
            if status not in legal:
                [error] = await refused(api, "ILLEGAL_TRANSITION", mutation, id=journey["id"], **more)
                assert error["path"] == ["id"]
        if status not in LIVE:
            await refused(api, "ILLEGAL_TRANSITION", "migrateJourneys", ids=[journey["id"]], toVersion=1)


async def test_another_tenants_ids_look_just_like_unknown_ones(api: Client, other: Client) -> None:
    await make_template(other)
    theirs = (await begun(other))["id"]
    contact = {"kind": "call", "channel": "phone", "journeyId": theirs}
    added = await other.ask(
        "mutation($input: AddTouchpointsInput!) { addTouchpoints(input: $input) { touchpoints { id } } }",
        input={"touchpoints": [contact]},
    )
    touchpoint = added["addTouchpoints"]["touchpoints"][0]["id"]
    template = (await other.ask('{ template(id: "sample") { id } }'))["template"]["id"]
    async with unchanged(api, other):
        for mutation, input in ALL_WITH_IDS:
            assert await _same(api, mutation, input, theirs) == {"NOT_FOUND"}
        for id in (theirs, touchpoint, template):
            unknown = id[:-4] + "0000"
            for query in (
                "query($id: ID!) { journey(id: $id) { id } }",
                "query($id: ID!) { node(id: $id) { id } }",
                "query($id: ID!) { nodes(ids: [$id, $id]) { id } }",
                "query($id: ID!) { touchpoints(filter: {journeyId: $id}) { totalCount nodes { id } } }",
                "query($id: ID!) { conversions(filter: {journeyId: $id}) { totalCount nodes { id } } }",
                "query($id: ID!) { events(filter: {subject: $id}) { nodes { id } } }",
            ):
                assert await send(api, query, id=id) == await send(api, query, id=unknown)


async def _same(api: Client, mutation: str, input: dict[str, Any], theirs: str) -> set[str]:
    """The codes that another tenant's id gets; the answer to an unknown one is the same but for the id."""
    answers = []
    for id in (theirs, "jrn_" + "0" * 32):
        given = json.loads(json.dumps(input).replace("ID", id))
        answers.append(json.loads(json.dumps(await give(api, mutation, **given)).replace(id, "ID")))
    assert answers[0] == answers[1]
    return {error["code"] for error in errors(answers[0])}


async def test_a_stale_revision_is_a_conflict_that_names_the_current_one(api: Client) -> None:
    await make_template(api)
    journey = await begun(api)
    await api.do("setJourneyPriority", id=journey["id"], priority="LOW")
    async with unchanged(api):
        for mutation, (more, legal) in COMMANDS.items():
            for stale in (1, 3, 0, -1, 2**31 - 1):
                if "active" in legal:
                    [error] = await refused(
                        api, "CONFLICT", mutation, id=journey["id"], expectedRevision=stale, **more
                    )
                    assert error["currentRevision"] == 2


@pytest.mark.parametrize(
    ("code", "mutation", "input", "path"),
    [
        ("INVALID_INPUT", "skipStep", {"reason": " "}, ["reason"]),
        ("INVALID_INPUT", "failStep", {"reason": ""}, ["reason"]),
        ("INVALID_INPUT", "failStep", {"reason": "x" * 3_000}, ["reason"]),
        ("INVALID_INPUT", "pauseJourney", {"reason": "x" * 3_000}, ["reason"]),
        ("NOT_FOUND", "skipStep", {"reason": "why", "step": "nowhere"}, ["step"]),
        ("NOT_FOUND", "advanceJourney", {"step": "nowhere"}, ["step"]),
        ("INVALID_INPUT", "assignJourney", {"user": ""}, ["user"]),
        ("INVALID_INPUT", "assignJourney", {"team": "x" * 201}, ["team"]),
        ("INVALID_INPUT", "updateJourneyContext", {}, ["changes"]),
        ("INVALID_INPUT", "updateJourneyContext", {"changes": [1]}, ["changes"]),
        ("INVALID_INPUT", "updateJourneyContext", {"changes": {}, "customerId": " "}, ["customerId"]),
        ("TOO_LARGE", "updateJourneyContext", {"changes": BIG}, ["changes"]),
        ("INVALID_INPUT", "pauseJourney", {"idempotencyKey": ""}, ["idempotencyKey"]),
        ("INVALID_INPUT", "pauseJourney", {"idempotencyKey": "x" * 201}, ["idempotencyKey"]),
    ],
)
async def test_a_wrong_value_is_refused_by_its_path(
    api: Client, code: str, mutation: str, input: dict[str, Any], path: list[str]
) -> None:
    await make_template(api)
    journey = await begun(api)
    async with unchanged(api):
        [error] = await refused(api, code, mutation, id=journey["id"], **input)
        assert error["path"] == path


async def test_a_step_is_skipped_only_where_the_template_allows_it(api: Client) -> None:
    await make_template(api, settings={"allowSkipSteps": False})
    journey = await begun(api)
    async with unchanged(api):
        await refused(api, "ILLEGAL_TRANSITION", "skipStep", id=journey["id"], reason="why")


async def test_a_step_that_is_done_is_neither_entered_nor_skipped_again(api: Client) -> None:
    await make_template(api)
    journey = await begun(api)
    await api.do("advanceJourney", id=journey["id"])
    async with unchanged(api):
        await refused(api, "ILLEGAL_TRANSITION", "advanceJourney", id=journey["id"], step="one")
        await refused(api, "ILLEGAL_TRANSITION", "skipStep", id=journey["id"], step="one", reason="why")


async def test_conditions_that_do_not_hold_are_each_named_with_the_value_seen(api: Client) -> None:
    steps = [dict(step) for step in SAMPLE["steps"]]
    wanted = [("a", 1), ("b.c", 2)]
    steps[0]["exitConditions"] = [{"field": f, "operator": "EQUALS", "value": v} for f, v in wanted]
    steps[1]["requiredData"] = ["d"]
    await make_template(api, steps=steps)
    journey = await begun(api)
    await api.do("updateJourneyContext", id=journey["id"], changes={"a": 5})
    async with unchanged(api):
        found = await refused(api, "CONDITIONS_NOT_MET", "advanceJourney", id=journey["id"])
        seen = {error["condition"]["field"]: error["condition"]["seen"] for error in found}
        assert seen == {"a": 5, "b.c": None, "d": None}
        await refused(api, "CONDITIONS_NOT_MET", "completeJourney", id=journey["id"])


async def test_a_key_given_again_with_another_input_is_refused(api: Client) -> None:
    await make_template(api)
    journey = await begun(api)
    await api.do("setJourneyPriority", id=journey["id"], priority="LOW", idempotencyKey="k")
    async with unchanged(api):
        for mutation, more in (("setJourneyPriority", {"priority": "HIGH"}), ("pauseJourney", {})):
            await refused(
                api, "IDEMPOTENCY_KEY_REUSED", mutation, id=journey["id"], idempotencyKey="k", **more
            )
