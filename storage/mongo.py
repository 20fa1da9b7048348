"""The client: one small seam over two drivers, and errors of the database as errors of the domain.

Motor and PyMongo's asyncio client make the same calls; they differ only in which of them are awaitable, and only
this module knows. Writes are acknowledged by a majority and journaled.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from inspect import isawaitable
from typing import Any, Protocol

from bson import CodecOptions
from bson.codec_options import TypeRegistry
from pymongo import AsyncMongoClient, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    ConnectionFailure,
    DocumentTooLarge,
    DuplicateKeyError,
    ExecutionTimeout,
    NetworkTimeout,
    PyMongoError,
    WTimeoutError,
)

from domain.errors import QueryTimeout, TooLarge, Unavailable
from domain.paging import Page
from storage.codec import Document, plain

Collection = AsyncCollection[Document]

SERVER_WAIT_MS = 5_000
SOCKET_WAIT_MS = 15_000  # beyond what a query may take

__all__ = ["Collection", "Database", "DuplicateKeyError", "Mongo", "translated"]


class Database(Protocol):
    def __getitem__(self, name: str) -> Collection: ...


class Mongo:
    """A connection to one database."""

    def __init__(
        self, uri: str, database: str, driver: str = "motor", *, timeout: float = 5.0, **options: Any
    ) -> None:
        self.timeout_ms = int(timeout * 1000)
        wait: dict[str, Any] = {
            "serverSelectionTimeoutMS": SERVER_WAIT_MS,
            "connectTimeoutMS": SERVER_WAIT_MS,
        }
        wait |= {"socketTimeoutMS": self.timeout_ms + SOCKET_WAIT_MS, "appname": "journeys"}
        self._client: Any = _client(driver)(uri, tz_aware=True, **(wait | options))
        codec: CodecOptions[Document] = CodecOptions(
            tz_aware=True, type_registry=TypeRegistry(fallback_encoder=plain)
        )
        self._db: AsyncDatabase[Document] = self._client.get_database(
            database, codec_options=codec, write_concern=WriteConcern(w="majority", j=True)
        )

    def __getitem__(self, name: str) -> Collection:
        return self._db[name]

    async def command(self, name: str) -> Document:
        with translated():
            return await self._db.command(name)

    async def version(self) -> str:
        with translated():
            return str((await self._db.command("buildInfo"))["version"])

    async def close(self) -> None:
        closed = self._client.close()  # only PyMongo's own client gives something to await
        if isawaitable(closed):
            await closed

    async def aggregate(
        self,
        collection: Collection,
        pipeline: Sequence[Mapping[str, Any]],
        *,
        batch_size: int | None = None,
        spill: bool = False,
    ) -> AsyncIterator[Document]:
        """Documents one by one, never all in memory. `spill`: the server may use its disk for what is large."""
        options: dict[str, Any] = {"maxTimeMS": self.timeout_ms, "allowDiskUse": spill}
        if batch_size is not None:
            options["batchSize"] = batch_size
        with translated():
            cursor: Any = collection.aggregate(list(pipeline), **options)
            if isawaitable(cursor):
                cursor = await cursor
            async for document in cursor:
                yield document


def _client(driver: str) -> Any:
    if driver == "pymongo":
        return AsyncMongoClient
    from motor.motor_asyncio import AsyncIOMotorClient  # noqa: PLC0415  # only where it is asked for

    return AsyncIOMotorClient


def key_range(page: Page) -> dict[str, str]:
    """The bounds on the sort key of a list that runs from new to old: what comes `after` has a lower key."""
    bounds = {} if page.after is None else {"$lt": page.after}
    return bounds if page.before is None else bounds | {"$gt": page.before}


class translated:  # noqa: N801  # reads as a statement: `with translated():`
    """What the driver raises in this block leaves it as a domain error. A duplicate key passes: it has a meaning."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        match error:
            case DuplicateKeyError():
                return
            case DocumentTooLarge():
                raise TooLarge("This would be larger than the database keeps in one piece.") from error
            case ExecutionTimeout():
                raise QueryTimeout("The query took too long; narrow it.") from error
            case ConnectionFailure() | NetworkTimeout() | WTimeoutError():
                raise Unavailable("The database cannot be reached now; try again.") from error
            case PyMongoError() if "MaxTimeMSExpired" in str(error):
                raise QueryTimeout("The query took too long; narrow it.") from error
            case _:
                return


@asynccontextmanager
async def connected(uri: str, database: str, driver: str = "motor", **options: Any) -> AsyncIterator[Mongo]:
    mongo = Mongo(uri, database, driver, **options)
    try:
        yield mongo
    finally:
        await mongo.close()
