"""Times of an action, and a line that says what they are."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import count


async def times(action: Callable[[int], Awaitable[object]], total: int, clients: int = 1) -> list[float]:
    """Seconds of each of `total` runs, by so many clients at once. The first few runs are not counted."""
    numbers, taken = count(), list[float]()

    async def client() -> None:
        while (number := next(numbers)) < total + 10:
            began = time.perf_counter()
            await action(number)
            if number >= 10:
                taken.append(time.perf_counter() - began)

    await asyncio.gather(*(client() for _ in range(clients)))
    return taken


def quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def report(name: str, ours: Sequence[float], bare: Sequence[float] | None = None) -> None:
    """p50 and p99 in ms, and the median's ratio to the baseline."""
    line = f"{name:<58} p50 {1000 * quantile(ours, 0.5):8.2f} ms  p99 {1000 * quantile(ours, 0.99):8.2f} ms"
    if bare is not None:
        ratio = quantile(ours, 0.5) / quantile(bare, 0.5)
        line += f"  bare p50 {1000 * quantile(bare, 0.5):8.2f} ms  ratio {ratio:5.2f}"
    print(line, flush=True)  # noqa: T201  # this is what a benchmark is for
