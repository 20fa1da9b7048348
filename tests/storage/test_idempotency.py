"""Idempotency: a command given again is carried out once, and answers as before."""

import asyncio
from collections.abc import Callable

import pytest

from domain import steer
from domain.errors import IdempotencyKeyReused, IllegalTransition
from domain.journey import Journey
from storage.store import Store
from storage.subject import Changed
from tests.storage.subjects import cause, count_up, crash, follow, positions, start, starting


async def _pause(store: Store, id: str, tenant: str, key: str, given: str = "") -> Changed[Journey]:
    return await store.journeys.change(
        id, tenant, lambda journey, _, at: steer.pause(journey, at=at), cause(key, given)
    )


async def test_a_command_given_again_does_nothing_and_answers_as_before(store: Store, tenant: str) -> None:
    journey = await start(store, await follow(store, tenant))
    first = await _pause(store, journey.id, tenant, "k" + tenant)
    again = await _pause(store, journey.id, tenant, "k" + tenant)
    assert (first.state, first.settled) == (again.state, again.settled)
    assert (await positions(store, journey.id))[-1] == (2, 0)


async def test_a_command_given_again_is_known_by_an_outbox_that_nobody_relayed(
    store: Store, another: Callable[[], Store], tenant: str
) -> None:
    journey = await start(store, await follow(store, tenant))
    dying = another()
    dying.changes.written = crash
    await _pause(dying, journey.id, tenant, "k" + tenant)
    again = await _pause(store, journey.id, tenant, "k" + tenant)
    assert not again.settled
    assert (await store.journeys.get(journey.id, tenant)).revision == 2
    with pytest.raises(IdempotencyKeyReused):
        await _pause(store, journey.id, tenant, "k" + tenant, "something else")


async def test_a_command_given_again_at_the_same_moment_is_carried_out_once(
    store: Store, another: Callable[[], Store], tenant: str
) -> None:
    journey = await start(store, await follow(store, tenant))
    processes = [store, another()] * 5
    await asyncio.gather(
        *(each.journeys.change(journey.id, tenant, count_up, cause("k" + tenant)) for each in processes)
    )
    assert (await store.journeys.get(journey.id, tenant)).context["n"] == 1


async def test_a_key_with_another_input_is_refused_and_changes_nothing(store: Store, tenant: str) -> None:
    template = await follow(store, tenant)
    journey, other = await start(store, template), await start(store, template)
    await _pause(store, journey.id, tenant, "k" + tenant)
    for id, given in ((journey.id, "something else"), (other.id, "")):
        with pytest.raises(IdempotencyKeyReused):
            await _pause(store, id, tenant, "k" + tenant, given)
    assert (await store.journeys.get(journey.id, tenant)).revision == 2
    assert (await store.journeys.get(other.id, tenant)).revision == 1


async def test_a_create_given_again_finds_what_it_made(store: Store, tenant: str) -> None:
    template = await follow(store, tenant)
    first = await starting(store, template, cause("k" + tenant))
    again = await starting(store, template, cause("k" + tenant))
    assert first == again
    assert again.state.revision == 1
    with pytest.raises(IdempotencyKeyReused):
        await starting(store, template, cause("k" + tenant, "something else"))


async def test_refusals_are_not_remembered(store: Store, tenant: str) -> None:
    journey = await start(store, await follow(store, tenant))
    await _pause(store, journey.id, tenant, "first" + tenant)
    with pytest.raises(IllegalTransition):
        await _pause(store, journey.id, tenant, "k" + tenant)
    await store.journeys.change(journey.id, tenant, lambda j, d, at: steer.resume(j, d, at=at), cause())
    paused = await _pause(store, journey.id, tenant, "k" + tenant)
    assert paused.state.revision == 4
