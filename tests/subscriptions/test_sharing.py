"""Equal subscriptions are one execution for whoever may see the same, and nobody notices the others."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from inspect import getsource

import orjson
import pytest
from pydantic.alias_generators import to_camel
from strawberry.types.base import StrawberryObjectDefinition

from app.graphql import OF_THE_VIEWER, build
from app.wiring import utc_now
from domain.identity import Role
from subscriptions.broker import channel
from subscriptions.sharing import MAILBOX
from tests.conftest import Servers
from tests.e2e.harness import eventually
from tests.subscriptions.desk import APPROVALS, CHANGES, EVENTS, Desk, Reads, desk
from tests.subscriptions.wire import channels


@pytest.fixture(scope="module")
def reads() -> Reads:
    return Reads()


@pytest.fixture
async def house(servers: Servers, reads: Reads, tenant: str) -> AsyncIterator[Desk]:
    async with desk(servers, reads, tenant) as opened:
        yield opened


async def test_a_hundred_equal_subscriptions_are_one_execution_and_one_read_a_change(
    house: Desk, reads: Reads
) -> None:
    journey = await house.start()
    async with AsyncExitStack() as stack:
        members = [await stack.enter_async_context(house.member(CHANGES)) for _ in range(100)]
        await house.live(members)
        assert len(house.groups) == 1
        last = await house.start()
        for member in members:
            await member.has(last, 1)  # and so nothing from before is being read still
        before = reads.count
        await house.update(journey, times=10)
        for member in members:
            await member.has(journey, 10)
        assert reads.count - before <= 12
        for member in members:
            assert member.revisions(journey) == list(range(2, 12))


async def test_the_result_is_encoded_once_for_all(house: Desk) -> None:
    journey = await house.start()
    async with house.member(CHANGES) as one, house.member(CHANGES) as other:
        await house.live([one, other])
        await house.update(journey)
        await one.has(journey, 1)
        await other.has(journey, 1)
        assert isinstance(one.results[-1].data, orjson.Fragment)
        assert one.results[-1] is other.results[-1]


async def test_other_tenants_roles_documents_and_variables_have_executions_of_their_own(
    house: Desk,
) -> None:
    async with AsyncExitStack() as stack:
        for member in (
            house.member(CHANGES),
            house.member(CHANGES, user="bob"),
            house.member(CHANGES, tenant=f"{house.tenant}x"),
            house.member(CHANGES, roles={Role.VIEWER}),
            house.member(CHANGES, groups=frozenset({"chief"})),
            house.member(CHANGES, status="ACTIVE"),
            house.member(CHANGES.replace("journey { id }", "journey { id progress }")),
        ):
            await stack.enter_async_context(member)
        await house.live_groups(6)


async def test_what_depends_on_the_user_is_shared_with_nobody_else(house: Desk) -> None:
    rights = CHANGES.replace("journey { id }", "journey { id may: allowedActions { allowed } }")
    async with AsyncExitStack() as stack:
        for query in (rights, APPROVALS):
            for user in ("ann", "ann", "bob"):
                await stack.enter_async_context(house.member(query, user=user))
        await house.live_groups(4)


def test_every_field_that_depends_on_the_user_is_known() -> None:
    known = build().schema_converter.type_map
    kinds = [kind.definition for name, kind in known.items() if name not in ("Query", "Mutation")]
    fields = [
        field for kind in kinds if isinstance(kind, StrawberryObjectDefinition) for field in kind.fields
    ]
    found = {
        to_camel(field.python_name)
        for field in fields
        if field.base_resolver is not None
        and re.search(r"\bidentity\b(?!\.tenant_id)", getsource(field.base_resolver.wrapped_func))
    }
    assert found == set(OF_THE_VIEWER)


async def test_nobody_hears_of_another_tenant(house: Desk) -> None:
    journey = await house.start()
    async with house.member(CHANGES, tenant=f"{house.tenant}x") as foreign, house.member(CHANGES) as own:
        await house.live([own])
        await house.live([foreign])
        await house.update(journey, times=3)
        await own.has(journey, 3)
        assert foreign.told(journey) == []


async def test_a_slow_member_slows_nobody_and_is_cut_off_with_a_cursor_to_go_on_from(house: Desk) -> None:
    journey = await house.start()
    async with house.member(EVENTS) as slow, house.member(EVENTS) as quick:
        await house.live([slow, quick])
        slow.pause()
        count = MAILBOX + 40
        await house.update(journey, times=count)
        await quick.has(journey, count)
        slow.resume()
        cursor = (await slow.error("LAGGED"))["cursor"]
        assert len(slow.told(journey)) < count
        async with house.member(EVENTS, after=cursor) as resumed:
            await resumed.has(journey, count - len(slow.told(journey)))
        both = slow.revisions(journey) + resumed.revisions(journey)
        assert both == list(range(2, count + 2))


async def test_a_slow_member_of_a_list_gets_the_newest_state_and_is_told_who_came(house: Desk) -> None:
    async with house.member(CHANGES) as slow, house.member(CHANGES) as quick:
        await house.live([slow, quick])
        slow.pause()
        journey = await house.start()
        await house.update(journey, times=MAILBOX + 10)
        await quick.has(journey, MAILBOX + 11)
        slow.resume()

        async def newest() -> bool:
            return slow.revisions(journey)[-1:] == [MAILBOX + 11]

        await eventually(newest, "the newest state")
        assert "ENTERED" in [change["kind"] for change in slow.told(journey)]
        assert not slow.errors


async def test_a_member_that_comes_to_a_replay_late_gets_one_of_its_own(house: Desk) -> None:
    journey = await house.start()
    cursor = await house.cursor()
    await house.update(journey, times=3)
    async with house.member(CHANGES, after=cursor) as first:
        await first.has(journey, 3)
        async with house.member(CHANGES, after=cursor) as late:
            await late.has(journey, 3)
            await house.update(journey)
            for member in (first, late):
                await member.has(journey, 4)
                assert member.revisions(journey) == [2, 3, 4, 5]
    await house.live_groups(0)


async def test_with_the_last_member_everything_ends(house: Desk, servers: Servers) -> None:
    async with house.member(CHANGES) as member:
        await house.live([member])
        before = len(asyncio.all_tasks()) - 2  # the member and its group
    for _ in range(5):
        async with AsyncExitStack() as stack:
            members = [await stack.enter_async_context(house.member(CHANGES)) for _ in range(10)]
            await house.live(members)
        assert len(house.groups) == 0
    async with house.member(CHANGES):  # gone before it has begun
        pass

    async def ended() -> bool:
        left = channel(house.tenant) not in await channels(servers.redis_url)
        return left and len(house.groups) == 0 and len(asyncio.all_tasks()) <= before

    await eventually(ended, "every task has ended")


async def test_each_member_ends_with_its_own_token(house: Desk) -> None:
    journey = await house.start()
    soon = utc_now() + timedelta(seconds=1.5)
    async with house.member(CHANGES, expires_at=soon) as opener, house.member(CHANGES) as other:
        await house.live([opener, other])
        assert len(house.groups) == 1
        await opener.error("UNAUTHENTICATED")
        await house.update(journey)
        await other.has(journey, 1)
        assert opener.told(journey) == []


async def test_a_subscription_that_is_refused_is_refused_to_each_and_leaves_nothing(house: Desk) -> None:
    query = 'subscription { journeyChanged(id: "jrn_unknown") { kind } }'
    async with house.member(query) as one, house.member(query) as other:
        await one.error("NOT_FOUND")
        await other.error("NOT_FOUND")
    assert len(house.groups) == 0
