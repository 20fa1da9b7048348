"""The log's entries: each an event as a document; the first of a change also says what is still to be done with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from domain.events import Envelope
from domain.values import timestamp
from storage.codec import Document, dump, load
from storage.pending import Word, words

TRIES: Final = 10  # of an entry, until somebody says that it is to be tried again


@dataclass(frozen=True, slots=True)
class Entry:
    """The first event of a change, with what is still to be done with the change."""

    envelope: Envelope
    pending: tuple[Word, ...]
    attempts: int = 0
    last_error: str | None = None

    @property
    def last_try(self) -> bool:
        """Whether it is left alone when this try fails too."""
        return (self.attempts + 1) % TRIES == 0


def entry_documents(change: Sequence[Envelope]) -> list[Document]:
    """A change as the log and an outbox keep it. What is still to be done stands on its first event."""
    entries = [_entry_document(each) for each in change]
    if pending := words(change):
        entries[0] |= {"pending": list(pending), "pendingAt": change[0].recorded_at}
    return entries


def _entry_document(envelope: Envelope) -> Document:
    document = dump(envelope)
    document["_id"] = document.pop("id")
    document["position"] = envelope.position
    place = f"{envelope.subject}:{envelope.revision:010d}:{envelope.n:06d}"
    document["timeKey"] = f"{timestamp(envelope.occurred_at)}|{place}"
    return {key: value for key, value in document.items() if value is not None}


def entry_envelope(document: Document) -> Envelope:
    """The reverse of `entry_document`."""
    return load(Envelope, {**document, "id": document["_id"]})


def entry(document: Document) -> Entry:
    pending: Any = tuple(document.get("pending", ()))
    return Entry(entry_envelope(document), pending, document.get("attempts", 0), document.get("lastError"))


def changes(envelopes: Sequence[Envelope]) -> list[list[Envelope]]:
    """Events in order, grouped by the change that made them."""
    grouped: list[list[Envelope]] = []
    for each in envelopes:
        if grouped and (grouped[-1][0].subject, grouped[-1][0].revision) == (each.subject, each.revision):
            grouped[-1].append(each)
        else:
            grouped.append([each])
    return grouped


def struck(words: Sequence[Word]) -> list[Document]:
    """The update that strikes these words, and with the last one all that was kept for them. In one write: a process
    that dies between two would leave an entry that waits for nobody, for ever."""

    def kept(name: str) -> Document:
        return {"$cond": [{"$eq": ["$pending", []]}, "$$REMOVE", f"${name}"]}

    return [
        {"$set": {"pending": {"$setDifference": ["$pending", list(words)]}}},
        {"$set": {name: kept(name) for name in ("pendingAt", "attempts", "lastError")}},
        {"$set": {"pending": kept("pending")}},
    ]
