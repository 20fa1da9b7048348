"""Work goes on while its lease is held, and not a moment longer."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count

import pytest

from domain.errors import Unavailable
from workers.lease import held

SECONDS = 1.5


class Work:
    """Something that takes until it is let go."""

    def __init__(self) -> None:
        self.begun = self.given_up = False
        self.release = asyncio.Event()

    def begin(self) -> "asyncio.Task[str]":
        return asyncio.create_task(self._do())

    async def _do(self) -> str:
        self.begun = True
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.given_up = True
            raise
        return "done"


def clock() -> float:
    return asyncio.get_running_loop().time()


async def hold(work: Work, renew: Callable[[], Awaitable[bool]], *, since: float | None = None) -> str | None:
    """And what was cancelled has heard of it."""
    found = await held(work.begin, renew, seconds=SECONDS, since=clock() if since is None else since)
    await asyncio.sleep(0)
    return found


async def renewed() -> bool:
    return True


async def never() -> bool:
    await asyncio.Event().wait()
    return True


async def gone() -> bool:
    return False


async def test_work_outlives_the_lease_that_it_began_with() -> None:
    work, times, began = Work(), count(1), clock()

    async def renew() -> bool:
        if next(times) == 6:
            work.release.set()
        return True

    assert await hold(work, renew) == "done"
    assert clock() - began > SECONDS
    assert not work.given_up


async def test_what_another_has_taken_is_given_up() -> None:
    work = Work()
    assert await hold(work, gone) is None
    assert work.given_up


async def test_a_renewal_that_hangs_ends_the_work_with_the_lease() -> None:
    work, began = Work(), clock()
    assert await hold(work, never) is None
    assert work.given_up
    assert clock() - began >= SECONDS


async def test_a_database_that_is_away_for_a_moment_ends_nothing() -> None:
    work, times = Work(), count(1)

    async def renew() -> bool:
        if (time := next(times)) <= 2:
            raise Unavailable("away")
        if time == 5:
            work.release.set()
        return True

    assert await hold(work, renew) == "done"


async def test_a_database_that_stays_away_ends_the_work_with_the_lease() -> None:
    work, began = Work(), clock()

    async def renew() -> bool:
        raise Unavailable("away")

    assert await hold(work, renew) is None
    assert work.given_up
    assert clock() - began >= SECONDS


async def test_work_whose_lease_ran_out_before_it_began_is_not_begun() -> None:
    work = Work()
    assert await hold(work, never, since=clock() - SECONDS) is None
    assert not work.begun


async def test_a_lease_that_took_long_to_get_is_renewed_before_the_work_begins() -> None:
    work, begun = Work(), list[bool]()

    async def renew() -> bool:
        begun.append(work.begun)
        work.release.set()
        return True

    assert await hold(work, renew, since=clock() - SECONDS / 2) == "done"
    assert begun == [False]


async def test_what_was_done_while_the_lease_ran_out_is_done() -> None:
    work = Work()

    async def renew() -> bool:
        work.release.set()
        return await never()

    assert await hold(work, renew) == "done"


async def test_what_the_work_raises_is_raised() -> None:
    async def fail() -> str:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await held(lambda: asyncio.create_task(fail()), renewed, seconds=SECONDS, since=clock())
