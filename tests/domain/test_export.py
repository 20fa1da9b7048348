"""What comes of an export: its events, and what it is at a time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce

import pytest

from domain.export import (
    FRESH,
    DownloadOutcome,
    Export,
    ExportEvent,
    ExportRequested,
    ExportState,
    Format,
    Progress,
    What,
    begin,
    complete,
    evolve,
    fail,
)
from domain.identity import Actor, ActorKind

AT = datetime(2026, 3, 1, tzinfo=UTC)
LATER = AT + timedelta(hours=1)


def requested(progress: Progress | None = None) -> Export:
    event = ExportRequested(at=AT, tenant_id="t", what=What.EVENTS, format=Format.CSV, asked={})
    export = begin("exp_1", event, Actor(ActorKind.USER, "ann"))
    return replace(export, progress=progress)


def after(export: Export, events: list[ExportEvent]) -> Export:
    return reduce(evolve, events, export)


def test_it_is_completed_once_and_stays_so() -> None:
    done = after(requested(), complete(requested(), rows=3, at=LATER))
    assert (done.state, done.ended_at, done.failure) == (ExportState.COMPLETED, LATER, None)
    assert complete(done, rows=4, at=LATER) == []
    assert fail(done, reason="x", rows=1, at=LATER) == []


def test_a_failure_is_told_once_for_each_reason_and_is_over_with_a_whole_download() -> None:
    failed = after(requested(), fail(requested(), reason="x", rows=1, at=AT))
    assert (failed.state, failed.failure, failed.ended_at) == (ExportState.FAILED, "x", AT)
    assert fail(failed, reason="x", rows=2, at=LATER) == []
    again = after(failed, fail(failed, reason="y", rows=1, at=LATER))
    assert (again.failure, again.ended_at) == ("y", LATER)
    done = after(again, complete(again, rows=3, at=LATER))
    assert (done.state, done.failure) == (ExportState.COMPLETED, None)


@pytest.mark.parametrize(
    ("outcome", "age", "state"),
    [
        (None, timedelta(0), ExportState.RUNNING),
        (None, FRESH - timedelta(milliseconds=1), ExportState.RUNNING),
        (None, FRESH, ExportState.REQUESTED),
        (DownloadOutcome.LEFT, timedelta(0), ExportState.REQUESTED),
        (DownloadOutcome.COMPLETED, timedelta(0), ExportState.REQUESTED),
    ],
)
def test_it_runs_while_a_download_is_heard_of(
    outcome: DownloadOutcome | None, age: timedelta, state: ExportState
) -> None:
    assert requested(Progress("d", 1, None, AT, outcome)).state_at(AT + age) is state
    assert requested().state_at(AT) is ExportState.REQUESTED
