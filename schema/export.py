"""Exports as GraphQL shows them."""

from datetime import datetime
from typing import Final, Self

import strawberry

from domain import export as domain
from domain.export import ExportState, Format, What
from schema.enums import describe
from schema.errors import UserError
from schema.identity import Actor
from schema.node import Node
from schema.paging import Connection
from schema.scalars import JSON

describe(
    What,
    "ExportKind",
    "What an export has rows of.",
    "Journeys, from new to old, with the fields that `Journey` has without arguments.",
    "Events by when they occurred, from new to old.",
    "Touchpoints by when they took place, from new to old.",
    "Conversions by when they happened, from new to old.",
    "Handoffs from new to old.",
    "The report `funnel`: a row for each value of the breakdown and step.",
    "The report `timeToConvert`: one row.",
    "The report `cohorts`: a row for each cohort and age.",
    "The report `attribution`: a row for each key.",
    "The report `revenue`: a row for each campaign, channel or source.",
    "The key figures of `metrics`: one row.",
    "The report `sla`: a row for each template and each of its steps.",
    "The report `handoffMetrics`: a row for each package and action.",
    "The report `dropOff`: a row for each stage.",
    "The report `trends`: a row for each stage and period.",
    "The report `stageMetrics`: a row for each stage.",
    "The report `stepMetrics`: a row for each step.",
)
describe(
    Format,
    "ExportFormat",
    "How an export is written, in UTF-8 always.",
    "RFC 4180 with a line of names: these are the fields' own, joined by dots where one is inside another; lists and "
    "JSON are compact JSON. A text that begins with = + - @, a tab or a carriage return has an apostrophe before it, "
    "so that no spreadsheet takes it for a formula; numbers have none. Null is an empty cell, an empty text "
    "a quoted one.",
    "One array, with an object for each row.",
    "JSON Lines: an object on each line.",
)
describe(
    ExportState,
    "ExportState",
    "What became of an export.",
    "It can be fetched; nobody has fetched all of it yet.",
    "Somebody has fetched all of it. It can be fetched again, and is read anew then.",
    "It could not be read to its end; it can be fetched again.",
)

REGISTERED: Final = True


@strawberry.type(
    description="How far a download is: noted once a second at most, of whichever is noted last."
)
class ExportProgress:
    rows: int = strawberry.field(description="How many rows are written.")
    total: int | None = strawberry.field(
        description="How many there were when it began; null where that is not counted."
    )
    at: datetime = strawberry.field(description="When that was noted.")


@strawberry.type(
    description="Rows that somebody asked for, as a file. None is kept: each download reads them anew, so it has what "
    "is there at that time."
)
class Export(Node):
    revision: int = strawberry.field(description="Grows by one with every change, from 1.")
    what: What = strawberry.field(description="What it has rows of.")
    format: Format = strawberry.field(description="How it is written.")
    asked: JSON = strawberry.field(description="What was asked for: the input of `requestExport`.")
    state: ExportState = strawberry.field(description="What became of it.")
    failure: str | None = strawberry.field(description="Why it could not be read to its end (FAILED).")
    progress: ExportProgress | None = strawberry.field(
        description="How far its download is; null before the first one."
    )
    path: str = strawberry.field(
        description="Where it is fetched: a path on this server, for GET with the same kind of token as here. Any "
        "viewer of the tenant may fetch it, compressed where `Accept-Encoding` has gzip."
    )
    file_name: str = strawberry.field(description="The name that its download proposes.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    created_by: Actor = strawberry.field(description="Who asked for it.")
    ended_at: datetime | None = strawberry.field(description="When it was fetched whole, or failed.")

    @classmethod
    def of(cls, export: domain.Export) -> Self:
        noted = export.progress
        return cls(
            id=strawberry.ID(export.id),
            revision=export.revision,
            what=export.what,
            format=export.format,
            asked=JSON(export.asked),
            state=export.state,
            failure=export.failure,
            progress=None
            if noted is None
            else ExportProgress(rows=noted.rows, total=noted.total, at=noted.at),
            path=f"/exports/{export.id}",
            file_name=export.file_name,
            created_at=export.created_at,
            created_by=Actor.of(export.created_by),
            ended_at=export.ended_at,
        )


ExportConnection = Connection[Export]


@strawberry.type(description="The export that was asked for, or why there is none.")
class ExportPayload:
    export: Export | None = strawberry.field(description="The export; null when refused.")
    settled: bool = strawberry.field(description="Whether its event is in the log already.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was not.")
