"""One command, one document: load, decide, fold, and write it back where `revision` is still the same.

The document carries the events of the change in its outbox until they are in the log, so state and facts are one
atomic write. Changes of one subject queue inside the process; compare-and-set is for other processes.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from weakref import WeakValueDictionary

from domain.errors import Conflict, IdempotencyKeyReused, NotFound, Unavailable
from domain.events import Envelope, Origin
from domain.identity import ActorKind
from storage.batches import BATCHES, Batches
from storage.codec import Document, dump, event_data
from storage.entries import entry_documents, entry_envelope
from storage.events import EventLog
from storage.mongo import DuplicateKeyError, Mongo, translated
from storage.outbox import Outboxes
from storage.subject import Cause, Changed, E, Kind, S

log = logging.getLogger(__name__)

SETTLE_SECONDS: Final = 2.0
ATTEMPTS: Final = 30
CARRIED: Final = 50  # changes that an outbox takes along; a longer one goes to the log first


Logged = Callable[[Sequence[Envelope]], Awaitable[None]]
Follow = Callable[[], Awaitable[None]]


async def _nothing(_: object) -> None:
    pass


class Changes:
    """Carries commands out on any kind of subject.

    `logged` hears of events once they are in the log; `written` stands between the write of a change and its relay.
    `settle_seconds`: how long an answer waits for what follows from its change.
    """

    def __init__(self, mongo: Mongo, events: EventLog, now: Callable[[], datetime]) -> None:
        self._mongo, self._events, self._now = mongo, events, now
        self.batches = Batches(mongo, events)
        self.outboxes = Outboxes(mongo, events)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[None]] = set()
        self.settle_seconds = SETTLE_SECONDS
        self.logged: Logged = _nothing
        self.written: Callable[[str], Awaitable[None]] = _nothing

    async def load(self, kind: Kind[S, E], id: str, tenant_id: str) -> S:
        """Raises NotFound for what is not there, or another tenant's."""
        return kind.read(await self._document(kind, id, tenant_id))

    async def create(self, kind: Kind[S, E], id: str, events: Sequence[E], cause: Cause) -> Changed[S]:
        """Make a new subject. The same command again finds what it made. Raises DuplicateKeyError where something
        else holds what must be unique."""
        if cause.keyed and (done := await self._done(kind, id, cause)):
            return done
        state, document = self.made(kind, id, events, cause)
        return await self._own_task(id, lambda told: self._create(kind, state, document, cause, told))

    async def outcome(self, kind: Kind[S, E], id: str, cause: Cause) -> Changed[S] | None:
        """What a command did that is given again, to this subject or to the one the log names; None where it was not
        given before. Raises IdempotencyKeyReused for another input."""
        if not cause.keyed:
            return None
        found = await self._events.of_command(cause.command_id)
        return await self._done(kind, found.subject if found else id, cause)

    def made(self, kind: Kind[S, E], id: str, events: Sequence[E], cause: Cause) -> tuple[S, Document]:
        """What these events make, and its document with the events in the outbox; nothing is written."""
        state = kind.begin(id, events[0], cause.actor)
        for event in events[1:]:
            state = kind.evolve(state, event)
        state = replace(state, revision=1)  # type: ignore[type-var]  # every state is a dataclass
        return state, self._full(kind, state, self._entries(kind, None, state, events, cause))

    async def change(
        self,
        kind: Kind[S, E],
        id: str,
        tenant_id: str,
        command: Callable[[S, datetime], Awaitable[Sequence[E]]],
        cause: Cause,
        *,
        expected: int | None = None,
    ) -> Changed[S]:
        """Carry a command out. Raises what the command raises, NotFound, Conflict, IdempotencyKeyReused."""
        return await self._own_task(
            id, lambda told: self._change(kind, id, tenant_id, command, cause, expected, told)
        )

    async def take(self, envelopes: Sequence[Envelope]) -> list[bool]:
        """Keep facts that other systems report, each a subject of its own; for each whether it is new. They are in
        the log when this returns; what follows from them comes soon."""
        fresh = await self._events.take(envelopes)
        await self.logged([each for each, new in zip(envelopes, fresh, strict=True) if new])
        return fresh

    async def drain(self) -> None:
        """Wait until every change under way is relayed and its outbox emptied; for an orderly end."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.outboxes.drain()

    async def relay(self, collection: str, document: Document) -> None:
        """Put a document's outbox into the log, and do what follows. Done twice, it is done once."""
        if collection == BATCHES:
            await self.batches.settle(document)
            return
        await self._append(collection, document)
        await self.logged([entry_envelope(each) for each in document.get("outbox") or []])

    async def _append(self, collection: str, document: Document) -> None:
        outbox: list[Document] = document.get("outbox") or []
        await self.outboxes.append(collection, document["_id"], document["revision"], outbox)

    async def _own_task(
        self, id: str, work: "Callable[[asyncio.Future[Changed[S]]], Awaitable[Follow | None]]"
    ) -> Changed[S]:
        """Run in a task of its own, under the subject's lock: a caller that goes away leaves nothing
        half-done. What follows may change the same subject again, so it comes after the lock."""
        told: asyncio.Future[Changed[S]] = asyncio.get_running_loop().create_future()
        lock = self._locks.setdefault(id, asyncio.Lock())

        async def run() -> None:
            try:
                async with lock:
                    follow = await work(told)
                if follow is not None:
                    await follow()
            except Exception as error:  # handed to whoever waits; logged where nobody does
                if told.done():
                    log.warning("The outbox of %s is left to the sweep: %r", id, error)
                else:
                    told.set_exception(error)

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await told

    async def _create(
        self,
        kind: Kind[S, E],
        state: S,
        document: Document,
        cause: Cause,
        told: "asyncio.Future[Changed[S]]",
    ) -> Follow | None:
        with translated():
            try:
                await self._mongo[kind.collection].insert_one(document)
            except DuplicateKeyError:
                done = await self._done(kind, state.id, cause)
                own = cause.keyed and state.id.endswith(cause.command_id)
                if done is None and own and await self._mongo[kind.collection].find_one({"_id": state.id}):
                    raise IdempotencyKeyReused from None  # made long ago: the log has forgotten with what
                if done is None:
                    raise
                _tell(told, done)
                return None
        return await self._settle(kind, document, Changed(state), told)

    async def _change(
        self,
        kind: Kind[S, E],
        id: str,
        tenant_id: str,
        command: Callable[[S, datetime], Awaitable[Sequence[E]]],
        cause: Cause,
        expected: int | None,
        told: "asyncio.Future[Changed[S]]",
    ) -> Follow | None:
        for _ in range(ATTEMPTS):
            document = await self._document(kind, id, tenant_id)
            state = kind.read(document)
            if cause.keyed and (done := await self._done(kind, id, cause, document)):
                _tell(told, done)
                return None
            if expected is not None and expected != state.revision:
                raise Conflict(state.revision)
            events = await command(state, self._now())
            if not events:
                _tell(told, Changed(state))
                return None
            after = state
            for event in events:
                after = kind.evolve(after, event)
            after = replace(after, revision=state.revision + 1)  # type: ignore[type-var]  # every state is a dataclass
            outbox = self.outboxes.unlogged(id, document.get("outbox") or [])
            if len(outbox) > CARRIED:
                await self._events.append(outbox)
                outbox = []
            written = self._full(kind, after, outbox + self._entries(kind, state, after, events, cause))
            seen = {name: document.get(name) for name in ("_id", "revision", *kind.unrevised)}
            with translated():
                result = await self._mongo[kind.collection].replace_one(seen, written)
            if result.modified_count:
                return await self._settle(kind, written, Changed(after), told)
        raise Unavailable("Too many others change this at the same moment; try again.")

    async def _settle(
        self, kind: Kind[S, E], document: Document, changed: Changed[S], told: "asyncio.Future[Changed[S]]"
    ) -> Follow:
        """The write is acknowledged: from here on the answer is a success, settled or not. Gives what follows."""
        unsettled = replace(changed, settled=False)
        late = asyncio.get_running_loop().call_later(self.settle_seconds, _tell, told, unsettled)

        def end() -> None:
            late.cancel()
            _tell(told, unsettled)

        try:
            await self.written(document["_id"])
            await self._append(kind.collection, document)
        except BaseException:
            end()
            raise

        async def follow() -> None:
            try:
                await self.logged([entry_envelope(each) for each in document["outbox"]])
                _tell(told, changed)
            finally:
                end()

        return follow

    async def _document(self, kind: Kind[Any, Any], id: str, tenant_id: str) -> Document:
        with translated():
            document = await self._mongo[kind.collection].find_one({"_id": id})
        if document is None or document["tenantId"] != tenant_id:
            raise NotFound(id, "id")
        return document

    async def _done(
        self, kind: Kind[S, E], id: str, cause: Cause, document: Document | None = None
    ) -> Changed[S] | None:
        """The outcome of a command that was carried out before. Raises IdempotencyKeyReused for another input."""
        if document is None:
            with translated():
                document = await self._mongo[kind.collection].find_one({"_id": id})
        waiting = (document or {}).get("outbox") or []
        found = next(
            (entry_envelope(each) for each in waiting if each["commandId"] == cause.command_id), None
        )
        if found is None:
            found = await self._events.of_command(cause.command_id)
            if found is None:
                return None
            with translated():  # it may have been carried out since the document was read
                document = await self._mongo[kind.collection].find_one({"_id": id})
            waiting = (document or {}).get("outbox") or []
        if found.input_hash != cause.input_hash or found.subject != id or document is None:
            raise IdempotencyKeyReused
        return Changed(kind.read(document), settled=not self.outboxes.unlogged(id, waiting))

    def _entries(
        self, kind: Kind[S, E], before: S | None, after: S, events: Sequence[E], cause: Cause
    ) -> list[Document]:
        now = self._now()
        facets = kind.facets(after)
        old = kind.facets(before) if before is not None else None
        requester = cause.requester or getattr(after, "requester", None)
        about = getattr(after, "added", after)  # a record is all in the event that made it
        was = None if facets is None or old is None else {k: v for k, v in old.items() if facets.get(k) != v}
        envelopes = [
            Envelope(
                id=f"{after.id}:{after.revision}:{n}",
                type=event.type,
                source="journeys",
                subject=after.id,
                revision=after.revision,
                n=n,
                tenant_id=after.tenant_id,
                actor=event.by or cause.actor,
                requester=None if cause.actor.kind is ActorKind.USER else requester,
                occurred_at=event.at,
                recorded_at=now,
                data=event_data(event),
                # What happens to an imported journey from now on happens here.
                origin=getattr(after, "origin", Origin.LIVE) if before is None else Origin.LIVE,
                correlation_id=cause.correlation_id,
                causation_id=cause.causation_id,
                customer_id=getattr(about, "customer_id", None),
                lead_id=getattr(about, "lead_id", None),
                depth=max(cause.depth, getattr(after, "depth", 0)),
                command_id=cause.command_id,
                input_hash=cause.input_hash,
                facets=facets if n == 0 else None,
                was=was if n == 0 else None,
            )
            for n, event in enumerate(events)
        ]
        return entry_documents(envelopes)

    def _full(self, kind: Kind[S, E], state: S, outbox: list[Document]) -> Document:
        document = kind.pack(dump(state)) | kind.keys(state)
        document["_id"] = document.pop("id")
        document |= {"outbox": outbox, "outboxAt": outbox[0]["recordedAt"]}
        return {key: value for key, value in document.items() if value is not None}


def _tell(told: "asyncio.Future[Changed[S]]", changed: Changed[S]) -> None:
    if not told.done():
        told.set_result(changed)
