"""Exports as GraphQL shows them."""

from datetime import datetime
from typing import Self

import strawberry

from domain import export as domain
from domain.export import DownloadOutcome, ExportState, Format, What
from schema.errors import UserError
from schema.identity import Actor
from schema.info import Info
from schema.node import Node
from schema.paging import Connection
from schema.scalars import JSON


@strawberry.type(
    description="How far a download is, noted about once a second, and at last how it ended. Of several at once it is "
    "the one that began first; the next one is told of when that has ended, or was not heard of for 15 seconds."
)
class ExportProgress:
    download: str = strawberry.field(description="Which download: within one, the rows never become fewer.")
    rows: int = strawberry.field(description="How many rows are written.")
    total: int | None = strawberry.field(
        description="How many there were when it began, in the end how many it has; null where that is not counted, or "
        "not yet."
    )
    at: datetime = strawberry.field(description="When that was noted.")
    outcome: DownloadOutcome | None = strawberry.field(
        description="How it ended; null while it goes on, and where nothing was heard of it any more."
    )
    reason: str | None = strawberry.field(description="Why it did not come to its end.")

    @classmethod
    def of(cls, noted: domain.Progress) -> Self:
        return cls(
            download=noted.download,
            rows=noted.rows,
            total=noted.total,
            at=noted.at,
            outcome=noted.outcome,
            reason=noted.reason,
        )


@strawberry.type(
    description="Rows that somebody asked for, as a file. None is kept: each download reads them anew, so it has what "
    "is there at that time. The export is kept as long as prepared figures are (`setRetention`, `analytics`)."
)
class Export(Node):
    kept: strawberry.Private[domain.Export]
    revision: int = strawberry.field(description="Grows by one with every change, from 1.")
    what: What = strawberry.field(description="What it has rows of.")
    format: Format = strawberry.field(description="How it is written.")
    asked: JSON = strawberry.field(description="What was asked for: the input of `requestExport`.")
    failure: str | None = strawberry.field(
        description="Why it could not be read to its end, as long as it was not sent whole."
    )
    progress: ExportProgress | None = strawberry.field(
        description="How far its download is, or how the last one ended; null before the first one."
    )
    path: str = strawberry.field(
        description="Where it is fetched: a path on this server, for GET with the same kind of token as here. Any "
        "viewer of the tenant may fetch it, compressed where `Accept-Encoding` has gzip."
    )
    file_name: str = strawberry.field(description="The name that its download proposes.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    created_by: Actor = strawberry.field(description="Who asked for it.")
    ended_at: datetime | None = strawberry.field(
        description="When it was first sent whole, or failed; later downloads do not change that."
    )

    @strawberry.field(description="What became of it.")
    def state(self, info: Info) -> ExportState:
        return self.kept.state_at(info.context.now())

    @classmethod
    def of(cls, export: domain.Export) -> Self:
        noted = export.progress
        return cls(
            kept=export,
            id=strawberry.ID(export.id),
            revision=export.revision,
            what=export.what,
            format=export.format,
            asked=JSON(export.asked),
            failure=export.failure,
            progress=None if noted is None else ExportProgress.of(noted),
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
