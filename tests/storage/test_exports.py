"""What is told of downloads, on both drivers: one at a time, never back, and nothing behind its end."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.export import FRESH, DownloadOutcome, Export, ExportRequested, Format, Progress, What
from storage.store import Store
from tests.storage.subjects import cause

AT = datetime(2026, 3, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DONE = DownloadOutcome.COMPLETED


@pytest.fixture
async def export(store: Store, tenant: str) -> Export:
    event = ExportRequested(at=AT, tenant_id=tenant, what=What.EVENTS, format=Format.CSV, asked={})
    changed = await store.exports.request(event, cause())
    assert changed.state.progress is None
    return changed.state


def noted(download: str, rows: int, seconds: float, outcome: DownloadOutcome | None = None) -> Progress:
    return Progress(download, rows, None, AT + seconds * SECOND, outcome)


async def told(store: Store, export: Export, *notes: Progress) -> Progress | None:
    """What is told after these notes."""
    for each in notes:
        await store.exports.note(export, each)
    return (await store.exports.get(export.id, export.tenant_id)).progress


async def test_rows_never_become_fewer_and_nothing_comes_behind_the_end(store: Store, export: Export) -> None:
    first, second, end = noted("a", 0, 0), noted("a", 5, 1), noted("a", 7, 2, DONE)
    assert await told(store, export, first) == first
    assert await told(store, export, second, noted("a", 4, 2)) == second
    assert await told(store, export, end, noted("a", 8, 3)) == end


async def test_another_download_is_told_of_once_the_first_has_ended(store: Store, export: Export) -> None:
    first, end, other = noted("a", 5, 0), noted("a", 6, 1, DONE), noted("b", 1, 2)
    assert await told(store, export, first, noted("b", 9, 1), noted("b", 10, 1, DONE)) == first
    assert await told(store, export, end) == end
    assert await told(store, export, other) == other
    assert await told(store, export, noted("a", 7, 2)) == other


async def test_a_download_that_is_not_heard_of_any_more_gives_way(store: Store, export: Export) -> None:
    first, fresh = noted("a", 5, 0), FRESH / SECOND
    other = noted("b", 1, fresh)
    assert await told(store, export, first, noted("b", 1, fresh - 0.001)) == first
    assert await told(store, export, other) == other
