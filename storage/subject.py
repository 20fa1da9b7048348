"""Subjects: how one kind of them is stored, who changes one and why, and what came of it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from domain.events import Event
from domain.identity import Actor
from domain.values import JsonObject
from storage.codec import Document, load


class State(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def tenant_id(self) -> str: ...
    @property
    def revision(self) -> int: ...


S = TypeVar("S", bound=State)


E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Kind(Generic[S, E]):
    """How one kind of subject is stored: its collection, its fold, and what its documents are found by.

    `pack` may make a document smaller, `unpack` undoes that. `unrevised` are fields that are also written without a new
    revision: a change that did not see their latest values begins anew.
    """

    collection: str
    state: type[S]
    begin: Callable[[str, E, Actor], S]
    evolve: Callable[[S, E], S]
    keys: Callable[[S], Document]
    facets: Callable[[S], JsonObject | None] = lambda _: None
    pack: Callable[[Document], Document] = lambda document: document
    unpack: Callable[[Document], Document] = lambda document: document
    unrevised: tuple[str, ...] = ()

    def read(self, document: Document) -> S:
        """The subject that a document holds."""
        return load(self.state, self.unpack({**document, "id": document["_id"]}))


@dataclass(frozen=True, slots=True)
class Cause:
    """Who gives a command and why. `keyed`: it may be given again under the same id."""

    actor: Actor
    command_id: str
    correlation_id: str
    causation_id: str | None = None
    input_hash: str | None = None
    keyed: bool = False
    requester: Actor | None = None  # the nearest person in the chain of causes, where the actor is none
    depth: int = 0  # of the chain of triggers that led to it


@dataclass(frozen=True, slots=True)
class Changed(Generic[S]):
    """The outcome. `settled`: its events are in the log, and what follows directly is done."""

    state: S
    settled: bool = True


def digest(*parts: str) -> str:
    """A short name that the same parts always give."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
