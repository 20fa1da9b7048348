"""Many handoffs at a time: each id has its own outcome, and giving them again is safe."""

import asyncio
from typing import Any

from tests.e2e.handing import act, approval, done, handoff, manual, somebody
from tests.e2e.harness import Client, Server, fresh


async def each(api: Client, mutation: str, ids: list[str], **input: Any) -> list[tuple[str, str]]:
    """Of every id: the status it has now, or the code of its refusal."""
    payload = await act(api, mutation, ids=ids, **input)
    assert payload["userErrors"] == [], payload
    assert [result["id"] for result in payload["results"]] == ids
    return [
        (result["id"], result["handoff"]["status"] if result["handoff"] else result["userErrors"][0]["code"])
        for result in payload["results"]
    ]


async def many(make: Any, api: Client, count: int, **input: Any) -> list[str]:
    return [made["id"] for made in await asyncio.gather(*(make(api, **input) for _ in range(count)))]


async def test_every_id_has_its_own_outcome_in_the_order_given(
    server: Server, api: Client, tenant: str
) -> None:
    waiting = await many(approval, api, 5)
    async with somebody(server, fresh(), "zed", "admin") as stranger:
        foreign = (await approval(stranger))["id"]
    work = (await manual(api))["id"]
    async with (
        somebody(server, tenant, "bob", "approver", "operator") as bob,
        somebody(server, tenant, "eve", "approver") as eve,
    ):
        own = (await approval(bob))["id"]
        decided = (await approval(api))["id"]
        await done(eve, "rejectHandoff", id=decided)
        ids = [waiting[3], "hof_none", own, waiting[0], foreign, decided, work, "", waiting[3], waiting[1]]
        told = await each(bob, "approveHandoffs", ids, comment="all of them")
        assert [status for _, status in told] == [
            "COMPLETED",
            "NOT_FOUND",
            "CANNOT_DECIDE",
            "COMPLETED",
            "NOT_FOUND",
            "ALREADY_DECIDED",
            "ILLEGAL_TRANSITION",
            "NOT_FOUND",
            "COMPLETED",
            "COMPLETED",
        ]
        payload = await act(eve, "rejectHandoffs", ids=[waiting[0], waiting[2]], comment="no")
        first, second = payload["results"]
        assert first["userErrors"][0]["decidedBy"] == ["bob"]
        assert (second["handoff"]["status"], second["handoff"]["reason"]) == ("REJECTED", "no")
        assert second["settled"]
    assert (await handoff(api, waiting[4]))["status"] == "PENDING"
    assert (await handoff(api, own))["status"] == "PENDING"


async def test_giving_a_bulk_again_changes_nothing_more(server: Server, api: Client, tenant: str) -> None:
    ids = await many(approval, api, 30, policy={"quorum": 2})
    async with somebody(server, tenant, "bob", "approver") as bob:
        for key in (None, None, "bulk", "bulk"):
            told = await each(bob, "approveHandoffs", ids, idempotencyKey=key)
            assert {status for _, status in told} == {"PENDING"}
        fewer = await each(bob, "approveHandoffs", ids[:3], idempotencyKey="bulk")
        assert {status for _, status in fewer} == {"PENDING"}
    found = [await handoff(api, id) for id in ids]
    assert {(each["revision"], each["approval"]["missing"]) for each in found} == {(2, 1)}


async def test_a_part_given_again_under_its_key_tells_what_was_done(api: Client) -> None:
    ids = await many(manual, api, 6)
    first = await each(api, "processHandoffs", ids[:4], idempotencyKey="take")
    assert {status for _, status in first} == {"IN_PROGRESS"}
    again = await each(api, "processHandoffs", ids, idempotencyKey="take")
    assert {status for _, status in again} == {"IN_PROGRESS"}
    anew = await each(api, "processHandoffs", ids)
    assert {status for _, status in anew} == {"ILLEGAL_TRANSITION"}
    assert {(await handoff(api, id))["revision"] for id in ids} == {2}


async def test_failed_handoffs_are_retried_together_with_data_or_a_reason(api: Client) -> None:
    ids = await many(manual, api, 4, data={"street": "Elm"})
    for id in ids[:3]:
        await done(api, "failHandoff", id=id, reason="no")
    nothing = await act(api, "retryHandoffs", ids=ids[:3])
    assert [result["userErrors"][0]["code"] for result in nothing["results"]] == ["INVALID_INPUT"] * 3
    told = await each(api, "retryHandoffs", [*ids, "hof_none"], reason="the crew is back")
    statuses = [status for _, status in told]
    assert statuses == [*["PENDING"] * 3, "ILLEGAL_TRANSITION", "NOT_FOUND"]
    await done(api, "failHandoff", id=ids[0], reason="no")
    told = await each(api, "retryHandoffs", ids[:1], changes={"street": "Oak"})
    assert told == [(ids[0], "PENDING")]
    assert (await handoff(api, ids[0]))["data"] == {"street": "Oak"}


async def test_a_bulk_has_one_to_a_thousand_ids_and_fields_that_fit(
    server: Server, api: Client, tenant: str
) -> None:
    async with somebody(server, tenant, "bob", "admin") as bob:
        for mutation in ("approveHandoffs", "rejectHandoffs", "processHandoffs", "retryHandoffs"):
            for ids in ([], ["x"] * 1_001):
                payload = await act(bob, mutation, ids=ids)
                assert payload["results"] == []
                assert [each["code"] for each in payload["userErrors"]] == ["INVALID_INPUT"]
                assert payload["userErrors"][0]["path"] == ["ids"]
        payload = await act(bob, "retryHandoffs", ids=["x"], changes=["no object"])
        assert [each["path"] for each in payload["userErrors"]] == [["changes"]]
        payload = await act(bob, "approveHandoffs", ids=["x"], comment="x" * 2_001)
        assert [each["path"] for each in payload["userErrors"]] == [["comment"]]


async def test_a_thousand_are_decided_in_one_request(server: Server, api: Client, tenant: str) -> None:
    real = await many(approval, api, 40)
    ids = [id for n in range(40) for id in (real[n], *(f"hof_{n}x{m}" for m in range(24)))]
    assert len(ids) == 1_000
    async with somebody(server, tenant, "bob", "approver") as bob:
        told = await each(bob, "approveHandoffs", ids)
    assert [id for id, status in told if status == "COMPLETED"] == real
    assert sum(status == "NOT_FOUND" for _, status in told) == 960


async def test_two_bulks_at_the_same_moment_count_every_handoff_once(
    server: Server, api: Client, tenant: str
) -> None:
    ids = await many(approval, api, 25)
    async with (
        somebody(server, tenant, "bob", "approver") as bob,
        somebody(server, tenant, "eve", "approver") as eve,
    ):
        both = await asyncio.gather(each(bob, "approveHandoffs", ids), each(eve, "rejectHandoffs", ids[::-1]))
    yes, no = (dict(told) for told in both)
    for id in ids:
        assert {yes[id], no[id]} in ({"COMPLETED", "ALREADY_DECIDED"}, {"REJECTED", "ALREADY_DECIDED"})
        [decision] = (await handoff(api, id))["approval"]["decisions"]
        assert decision["by"]["id"] == ("bob" if yes[id] == "COMPLETED" else "eve")
