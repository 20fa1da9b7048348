"""Starting journeys: re-entry, limits, and what must be unique whoever starts at the same moment."""

import asyncio
from collections.abc import Callable

import pytest

from domain import steer, walk
from domain.errors import JourneyExists, LimitExceeded, NotFound
from domain.journey import Journey
from domain.template import Reentry, Template
from storage.journeys import Command
from storage.store import Store
from tests.storage.subjects import cause, follow, note, start, starting, with_settings

COMMANDS: dict[str, Command] = {
    "pause": lambda j, _, at: steer.pause(j, at=at),
    "fail": lambda j, _, at: walk.fail(j, reason="it broke", at=at),
    "abandon": lambda j, _, at: steer.abandon(j, at=at),
    "complete": lambda j, d, at: steer.complete(j, d, at=at),
}


async def _do(store: Store, journey: Journey, name: str) -> None:
    await store.journeys.change(journey.id, journey.tenant_id, COMMANDS[name], cause())


async def _is_refused(store: Store, template: Template, **request: object) -> str | None:
    with pytest.raises(JourneyExists) as refused:
        await start(store, template, **request)
    holder = refused.value.extra["journeyId"]
    assert holder is None or isinstance(holder, str)
    return holder


async def _at_once(
    store: Store, other: Store, template: Template
) -> tuple[list[Journey], list[JourneyExists]]:
    """Ten starts for one customer at the same moment, from two processes."""
    outcomes = await asyncio.gather(
        *(starting(each, template, customer_id="c") for each in [store, other] * 5), return_exceptions=True
    )
    started = [each.state for each in outcomes if not isinstance(each, BaseException)]
    refused = [each for each in outcomes if isinstance(each, JourneyExists)]
    assert len(started) + len(refused) == 10
    return started, refused


@pytest.mark.parametrize("reentry", [Reentry.ONCE_ACTIVE, Reentry.NEVER_AGAIN])
async def test_of_ten_simultaneous_starts_exactly_one_succeeds(
    store: Store, another: Callable[[], Store], tenant: str, reentry: Reentry
) -> None:
    template = await follow(store, tenant, with_settings(reentry=reentry))
    started, refused = await _at_once(store, another(), template)
    assert len(started) == 1
    assert {each.extra["journeyId"] for each in refused} == {started[0].id}


async def test_any_time_lets_every_start_succeed(
    store: Store, another: Callable[[], Store], tenant: str
) -> None:
    template = await follow(store, tenant, with_settings(reentry=Reentry.ANY_TIME))
    started, _ = await _at_once(store, another(), template)
    assert len({each.id for each in started}) == 10


async def test_once_active_means_one_live_journey(store: Store, tenant: str) -> None:
    template = await follow(store, tenant, with_settings(reentry=Reentry.ONCE_ACTIVE))
    for end in ("abandon", "complete"):
        journey = await start(store, template, customer_id="c")
        assert await _is_refused(store, template, customer_id="c") == journey.id
        await _do(store, journey, end)
    for stop in ("pause", "fail"):
        journey = await start(store, template, customer_id=stop)
        await _do(store, journey, stop)
        assert await _is_refused(store, template, customer_id=stop) == journey.id


async def test_never_again_means_never(store: Store, tenant: str) -> None:
    template = await follow(store, tenant, with_settings(reentry=Reentry.NEVER_AGAIN))
    journey = await start(store, template, customer_id="c")
    await _do(store, journey, "abandon")
    assert await _is_refused(store, template, customer_id="c") == journey.id


async def test_reentry_holds_across_versions(store: Store, tenant: str) -> None:
    first = await follow(store, tenant, with_settings(reentry=Reentry.ONCE_ACTIVE))
    never = with_settings(reentry=Reentry.NEVER_AGAIN)
    second = (await store.templates.create_version(tenant, never, cause())).state
    journey = await start(store, first, customer_id="c")
    assert await _is_refused(store, second, customer_id="c") == journey.id
    await _do(store, journey, "complete")
    assert await _is_refused(store, second, customer_id="c") == journey.id
    assert (await start(store, first, customer_id="c")).revision == 1


async def test_the_entry_key_is_the_customer_else_the_lead(store: Store, tenant: str) -> None:
    template = await follow(store, tenant, with_settings())
    await start(store, template, customer_id="c", lead_id="l")
    await start(store, template, customer_id="d", lead_id="l")
    await start(store, template, lead_id="l")
    await _is_refused(store, template, customer_id="c", lead_id="m")
    await _is_refused(store, template, lead_id="l")
    for _ in range(2):
        await start(store, template)  # nobody is known, so nobody can have one already


async def test_a_template_can_name_the_entry_key_by_a_path(store: Store, tenant: str) -> None:
    template = await follow(store, tenant, with_settings(entry_key="ticket.id"))
    await start(store, template, customer_id="c", context={"ticket": {"id": 1}})
    await start(store, template, customer_id="c", context={"ticket": {"id": 2}})
    await _is_refused(store, template, customer_id="d", context={"ticket": {"id": 1}})
    for _ in range(2):
        await start(store, template, customer_id="c")


async def test_reentry_is_per_template_and_tenant(store: Store, tenant: str) -> None:
    one = await follow(store, tenant, with_settings("one", reentry=Reentry.NEVER_AGAIN))
    two = await follow(store, tenant, with_settings("two", reentry=Reentry.NEVER_AGAIN))
    elsewhere = await follow(store, tenant + "x", with_settings("one", reentry=Reentry.NEVER_AGAIN))
    for template in (one, two, elsewhere):
        await start(store, template, customer_id="c")


async def test_a_start_given_again_is_no_second_journey(store: Store, tenant: str) -> None:
    template = await follow(store, tenant, with_settings(reentry=Reentry.NEVER_AGAIN))
    first = await starting(store, template, cause("k" + tenant), customer_id="c")
    assert await starting(store, template, cause("k" + tenant), customer_id="c") == first


async def test_a_tenant_has_no_more_active_journeys_than_it_may(store: Store, tenant: str) -> None:
    template = await follow(store, tenant)
    journeys = [await start(store, template) for _ in range(3)]
    await start(store, await follow(store, tenant + "x"))
    await store.journeys.require_room(tenant, 4)
    with pytest.raises(LimitExceeded) as refused:
        await store.journeys.require_room(tenant, 3)
    assert refused.value.extra["limit"] == 3
    await _do(store, journeys[0], "pause")
    await store.journeys.require_room(tenant, 3)


async def test_many_keeps_the_order_and_hides_other_tenants(store: Store, tenant: str) -> None:
    template = await follow(store, tenant)
    one, two = await start(store, template), await start(store, template)
    theirs = await start(store, await follow(store, tenant + "x"))
    found = await store.journeys.many([two.id, "jrn_x", theirs.id, one.id, two.id], tenant)
    assert [each and each.id for each in found] == [two.id, None, None, one.id, two.id]
    with pytest.raises(NotFound):
        await store.journeys.get(theirs.id, tenant)


async def test_time_never_runs_backwards_within_a_journey(
    store: Store, another: Callable[[], Store], tenant: str
) -> None:
    template = await follow(store, tenant)
    journey = await start(store, template)
    changed = await another().journeys.change(journey.id, tenant, note(x=1), cause())
    assert changed.state.last_activity >= journey.last_activity


async def test_a_version_counts_the_journeys_that_followed_it(store: Store, tenant: str) -> None:
    template = await follow(store, tenant)
    journeys = [await start(store, template) for _ in range(2)]
    await _do(store, journeys[0], "abandon")
    assert await store.journeys.usage(tenant, "sample", 1) == 2
    assert await store.journeys.usage(tenant, "sample", 2) == 0
