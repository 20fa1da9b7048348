"""A result is worked out after changes only, told when it differs, and never for more than a third of the time."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from domain.errors import Lagged
from subscriptions.recomputed import recomputed


class Desk:
    """Changes that the test makes, a result that it sets, and a clock that it moves."""

    def __init__(self, *takes: float) -> None:
        self.result = 0
        self.computed = 0
        self.rests: list[float] = []
        self._takes = list(takes)
        self._time = 0.0
        self._changes: asyncio.Queue[Exception | None] = asyncio.Queue()
        self._rest: asyncio.Queue[None] = asyncio.Queue()
        self.resting = asyncio.Event()

    def change(self, result: int | None = None) -> None:
        self.result = self.result if result is None else result
        self._changes.put_nowait(None)

    def fail(self, error: Exception) -> None:
        self._changes.put_nowait(error)

    async def rested(self) -> None:
        """The rest that is under way is over, and the next one has begun."""
        await self.resting.wait()
        self.resting.clear()
        self._rest.put_nowait(None)

    async def compute(self) -> int:
        self.computed += 1
        self._time += self._takes.pop(0) if self._takes else 0.0
        return self.result

    def results(self) -> AsyncIterator[int]:
        return recomputed(self._heard(), self.compute, clock=lambda: self._time, wait=self._wait)

    async def _wait(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.resting.set()
        await self._rest.get()

    async def _heard(self) -> AsyncIterator[object]:
        while True:
            error = await self._changes.get()
            if error is not None:
                raise error
            yield object()


async def settled() -> None:
    """Whatever can run now has run."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_first_result_comes_at_once_and_the_next_after_a_change() -> None:
    desk = Desk()
    results = desk.results()
    assert await anext(results) == 0
    coming = asyncio.ensure_future(anext(results))
    await desk.rested()
    await settled()
    assert desk.computed == 1
    desk.change(1)
    assert await coming == 1


async def test_what_has_not_changed_is_not_told_again() -> None:
    desk = Desk()
    results = desk.results()
    await anext(results)
    coming = asyncio.ensure_future(anext(results))
    for n in (2, 3):
        await desk.rested()
        desk.change()
        await settled()
        assert (desk.computed, coming.done()) == (n, False)
    await desk.rested()
    desk.change(7)
    assert await coming == 7


async def test_however_many_changes_come_during_a_rest_they_are_one_computation() -> None:
    desk = Desk()
    results = desk.results()
    await anext(results)
    coming = asyncio.ensure_future(anext(results))
    await desk.resting.wait()
    for n in range(1, 100):
        desk.change(n)
    await settled()
    assert desk.computed == 1
    await desk.rested()
    assert await coming == 99
    assert desk.computed == 2


async def test_the_rest_is_a_second_or_twice_as_long_as_the_computation_took() -> None:
    desk = Desk(0.25, 4.0, 0.5)
    results = desk.results()
    await anext(results)
    for n in (1, 2, 3):
        coming = asyncio.ensure_future(anext(results))
        await desk.rested()
        desk.change(n)
        await coming
    coming = asyncio.ensure_future(anext(results))
    await desk.resting.wait()
    assert desk.rests == [1.0, 8.0, 1.0, 1.0]
    coming.cancel()


async def test_it_ends_with_the_error_of_the_changes() -> None:
    desk = Desk()
    results = desk.results()
    await anext(results)
    coming = asyncio.ensure_future(anext(results))
    desk.fail(Lagged("too slow"))
    await desk.rested()
    with pytest.raises(Lagged):
        await coming
