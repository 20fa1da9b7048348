"""A download: the rows of an export as bytes, read from the database as they are written, in constant memory.

Whoever watches is told how far it is and how it ended. That it cannot be told breaks no download.
"""

import asyncio
import logging
import zlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final, cast

from graphql import GraphQLError, GraphQLInputType
from graphql.utilities import coerce_input_value
from strawberry.types.arguments import convert_argument

from app.graphql import Schema
from domain import export as domain
from domain.errors import DomainError, InvalidInput
from domain.export import DownloadOutcome, Export, Progress
from domain.export_format import Row, writer
from domain.values import JsonObject
from resolvers.context import Context
from resolvers.export_lists import Table
from resolvers.export_tables import table
from schema.export_inputs import RequestExportInput
from storage.exports import Command
from storage.subject import Cause, digest

log = logging.getLogger(__name__)

CHUNK: Final = 64 * 1024  # bytes
AT_ONCE: Final = 50  # rows, before others have their turn
NOTED_SECONDS: Final = 1.0  # between two notes of how far it is
GZIP: Final = 16 + zlib.MAX_WBITS
MISFIT: Final = "What was asked for does not fit the schema any more; ask for another export."
UNKNOWN: Final = "Something went wrong here."


class Left(Exception):
    """Whoever fetched it, or this process, left before the end."""


def asked(schema: Schema, given: JsonObject) -> RequestExportInput:
    """The input of `requestExport` that an export remembers. Raises InvalidInput where the schema has changed since."""
    kind = schema._schema.get_type("RequestExportInput")  # as Strawberry's own resolvers are handed it
    registry = schema.schema_converter.scalar_registry
    try:
        coerced = coerce_input_value(given, cast(GraphQLInputType, kind))
        found = convert_argument(coerced, RequestExportInput, registry, schema.config)
    except (GraphQLError, TypeError) as error:
        raise InvalidInput(MISFIT) from error
    return cast(RequestExportInput, found)


@asynccontextmanager
async def downloading(
    schema: Schema, context: Context, export: Export, *, gzip: bool = False
) -> AsyncIterator["Download"]:
    """A download ready to be read: a report is worked out, of a list the first page is there. However this block is
    left, that is noted. Raises what the report raises."""
    download = Download(context, export, gzip=gzip)
    try:
        found = await table(context, asked(schema, export.asked))
        await download.begin(found)
        yield download
    except BaseException as error:
        await download.end(error)
        raise
    await download.end(Left("The client left before the end."))


class Download:
    """One reading of an export. `gzip`: compressed as it comes."""

    def __init__(self, context: Context, export: Export, *, gzip: bool = False) -> None:
        self.id, self.rows = context.new_id(), 0
        self._context, self._export, self._gzip = context, export, gzip
        self._by = context.identity.actor
        self._table: Table | None = None
        self._counting: asyncio.Task[int | None] | None = None
        self._recording: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
        self._telling = asyncio.create_task(self._tell())

    async def begin(self, found: Table) -> None:
        """Have the first row at hand, so that what goes wrong before it is known before the first byte."""
        if found.count is not None:
            self._counting = asyncio.create_task(_counted(found))
        first = await anext(found.rows, None)
        rows = _behind([] if first is None else [first], found.rows)
        self._table = Table(found.columns, rows, found.count)

    async def read(self) -> AsyncGenerator[bytes, None]:
        """The file in pieces of some 64 KiB. Its end is noted before the last of them is known to be the last."""
        packed = zlib.compressobj(wbits=GZIP) if self._gzip else None
        async for piece in self._pieces():
            if data := packed.compress(piece) if packed else piece:
                yield data
        if packed:
            yield packed.flush()
        await self.end(None)

    async def end(self, error: BaseException | None) -> None:
        """Note how it ended, once; None is well. A cancelled caller leaves nothing half-noted."""
        if self._recording is None:
            self._recording = asyncio.create_task(self._record(error))
            await asyncio.shield(self._recording)

    async def _pieces(self) -> AsyncIterator[bytes]:
        if self._table is None:
            raise RuntimeError("a download is begun before it is read")
        written = writer(self._export.format, self._table.columns)
        piece = bytearray(written.begin())
        async for row in self._table.rows:
            piece += written.row(row)
            self.rows += 1
            if len(piece) >= CHUNK:
                yield bytes(piece)
                piece.clear()
            if self.rows % AT_ONCE == 0:
                await asyncio.sleep(0)
        yield bytes(piece) + written.end()

    async def _tell(self) -> None:
        """Note how far it is, now and then, until it is over."""
        while not self._over.is_set():
            await self._note()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), NOTED_SECONDS)

    async def _record(self, error: BaseException | None) -> None:
        self._over.set()
        await self._telling
        if self._counting is not None:
            self._counting.cancel()
        match error:
            case None:
                await self._note(DownloadOutcome.COMPLETED)
                await self._change(lambda export, at: domain.complete(export, rows=self.rows, at=at))
            case Left():
                await self._note(DownloadOutcome.LEFT, str(error))
            case Exception():
                reason = error.message if isinstance(error, DomainError) else UNKNOWN
                await self._note(DownloadOutcome.FAILED, reason)
                await self._change(
                    lambda export, at: domain.fail(export, reason=reason, rows=self.rows, at=at)
                )
            case _:
                await self._note(DownloadOutcome.LEFT, "The server was stopped before the end.")

    async def _note(self, outcome: DownloadOutcome | None = None, reason: str | None = None) -> None:
        total = self.rows if outcome is DownloadOutcome.COMPLETED else self._total
        progress = Progress(self.id, self.rows, total, self._context.now(), outcome, reason)
        try:
            await self._context.store.exports.note(self._export, progress)
        except Exception as error:
            log.warning("How far a download of %s is was not noted: %r", self._export.id, error)

    async def _change(self, command: Command) -> None:
        cause = Cause(self._by, digest("export", self.id), self._context.request_id)
        try:
            await self._context.store.exports.change(self._export, command, cause)
        except Exception as error:
            log.warning("How a download of %s ended was not noted: %r", self._export.id, error)

    @property
    def _total(self) -> int | None:
        """How many rows there are, once that is known."""
        counted = self._counting
        known = counted is not None and counted.done() and not counted.cancelled()
        return counted.result() if counted is not None and known else None


async def _counted(found: Table) -> int | None:
    """How many there are, where that can be told in time."""
    try:
        return None if found.count is None else await found.count()
    except Exception as error:
        log.info("How many rows an export has stays unknown: %r", error)
        return None


async def _behind(first: list[Row], rows: AsyncIterator[Row]) -> AsyncIterator[Row]:
    for row in first:
        yield row
    async for row in rows:
        yield row
