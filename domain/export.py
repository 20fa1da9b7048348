"""Exports: somebody asks for rows of this tenant in a format, and fetches them as often as they like.

No file is kept. An export is what was asked, in the words of the API; each download reads the database anew. Its state
says what came of it so far; its progress tells of one download, the one under way or the last one.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final, assert_never

from domain.events import Event
from domain.identity import Actor
from domain.values import JsonObject

FRESH: Final = timedelta(seconds=15)  # a download that was not heard of for so long has died


class What(StrEnum):
    JOURNEYS = "journeys"
    EVENTS = "events"
    TOUCHPOINTS = "touchpoints"
    CONVERSIONS = "conversions"
    HANDOFFS = "handoffs"
    FUNNEL = "funnel"
    TIME_TO_CONVERT = "time_to_convert"
    COHORTS = "cohorts"
    ATTRIBUTION = "attribution"
    COMPARE_ATTRIBUTION = "compare_attribution"
    REVENUE = "revenue"
    METRICS = "metrics"
    SLA = "sla"
    HANDOFF_METRICS = "handoff_metrics"
    DROP_OFF = "drop_off"
    TRENDS = "trends"
    STAGE_METRICS = "stage_metrics"
    STEP_METRICS = "step_metrics"


class Format(StrEnum):
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"

    @property
    def media_type(self) -> str:
        match self:
            case Format.CSV:
                return "text/csv; charset=utf-8; header=present"
            case Format.JSON:
                return "application/json"
            case Format.JSONL:
                return "application/x-ndjson"


class ExportState(StrEnum):
    REQUESTED = "requested"  # it was never sent whole
    RUNNING = "running"  # never stored: see `state_at`
    COMPLETED = "completed"
    FAILED = "failed"


class DownloadOutcome(StrEnum):
    COMPLETED = "completed"
    FAILED = "failed"
    LEFT = "left"  # by its client, or by this process when it was stopped


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download has come, and how it ended; no outcome while it goes on. `total` is None where nobody counts,
    or has not counted yet."""

    download: str
    rows: int
    total: int | None
    at: datetime
    outcome: DownloadOutcome | None = None
    reason: str | None = None

    def goes_on(self, now: datetime) -> bool:
        return self.outcome is None and now - self.at < FRESH


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What was asked for, and what came of it. `asked` is the mutation's input, as a client writes it; `state` is what
    came of all downloads, apart from the one under way."""

    id: str
    tenant_id: str
    revision: int = 0
    what: What
    format: Format
    asked: JsonObject
    state: ExportState = ExportState.REQUESTED
    failure: str | None = None
    progress: Progress | None = None  # written without a revision
    created_at: datetime
    created_by: Actor
    ended_at: datetime | None = None

    def state_at(self, now: datetime) -> ExportState:
        """The state, or RUNNING while a download is under way."""
        goes_on = self.progress is not None and self.progress.goes_on(now)
        return ExportState.RUNNING if goes_on else self.state

    @property
    def file_name(self) -> str:
        """Letters, digits, `-`, `_` and a dot only."""
        return f"{self.what.value.replace('_', '-')}-{self.created_at:%Y%m%dT%H%M%SZ}.{self.format.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequested(Event):
    """Somebody asked for an export; it can be fetched from now on."""

    type: ClassVar[str] = "export:requested"
    tenant_id: str
    what: What
    format: Format
    asked: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportCompleted(Event):
    """An export was sent to its end, for the first time or after a failure."""

    type: ClassVar[str] = "export:completed"
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFailed(Event):
    """An export could not be read to its end; it can be fetched again."""

    type: ClassVar[str] = "export:failed"
    reason: str
    rows: int


ExportEvent = ExportRequested | ExportCompleted | ExportFailed


def begin(id: str, event: ExportEvent, by: Actor) -> Export:
    if not isinstance(event, ExportRequested):
        raise TypeError("an export begins with being requested")
    return Export(
        id=id,
        tenant_id=event.tenant_id,
        what=event.what,
        format=event.format,
        asked=event.asked,
        created_at=event.at,
        created_by=by,
    )


def evolve(export: Export, event: ExportEvent) -> Export:
    match event:
        case ExportRequested():
            raise AssertionError("an export is requested once: see begin")
        case ExportCompleted(at=at):
            return replace(export, state=ExportState.COMPLETED, failure=None, ended_at=at)
        case ExportFailed(reason=reason, at=at):
            return replace(export, state=ExportState.FAILED, failure=reason, ended_at=at)
        case _:
            assert_never(event)


def complete(export: Export, *, rows: int, at: datetime) -> list[ExportEvent]:
    """All of it was sent. Another time is no news."""
    return [] if export.state is ExportState.COMPLETED else [ExportCompleted(at=at, rows=rows)]


def fail(export: Export, *, reason: str, rows: int, at: datetime) -> list[ExportEvent]:
    """It could not be read to its end. Once it was sent whole that is no news, nor for the same reason again."""
    known = export.state is ExportState.FAILED and export.failure == reason
    if known or export.state is ExportState.COMPLETED:
        return []
    return [ExportFailed(at=at, reason=reason, rows=rows)]
