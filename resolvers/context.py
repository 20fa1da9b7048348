"""What every resolver is handed: who asks, the store, the feed, the clock.

The identity is asked for by permissions only, so that a page without a token can still show the schema.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionSetNode,
)

from domain.address import Probed
from domain.analytics.scope import Scope
from domain.errors import Unauthenticated
from domain.events import Envelope
from domain.firing import Firing
from domain.identity import Identity
from domain.package import Package
from domain.paging import Page
from domain.rehearsal import Rehearsal
from domain.retention import Part
from domain.trigger import Trigger
from domain.webhook import Webhook
from resolvers.loaders import Loaders
from resolvers.reports import covered
from schema.info import Info
from schema.report import Coverage
from storage.secrets import Vault
from storage.store import Store
from storage.subject import Cause, Changed, digest

if TYPE_CHECKING:
    from subscriptions.feed import Feed


@dataclass(slots=True)
class Context:
    store: Store
    feed: "Feed"
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    request_id: str
    max_concurrent_journeys: int
    vault: Vault | None = None  # of partners' secrets
    probe: Callable[[Package, str | None], Awaitable[Probed]] | None = (
        None  # a test call; without an action, of the address
    )
    probe_webhook: Callable[[Webhook], Awaitable[Probed]] | None = None
    wake: Callable[[str], None] = lambda _: None  # tells the workers that a queue has something for them
    rerun: Callable[[str, str, Cause], Awaitable[Changed[Firing]]] | None = None  # of a failed firing
    rehearse: Callable[[Trigger, Envelope], Awaitable[Rehearsal]] | None = None  # of a trigger
    known: Identity | None = None
    refused: Unauthenticated | None = None
    transport: Any = None  # the response or socket that answers; only the edge looks at it
    connection_params: dict[str, Any] | None = field(default=None)
    delivered: tuple[str, str | None] | None = (
        None  # by a subscription: what it told last, and the cursor behind it
    )
    _loaders: Loaders | None = None
    replays: bool = False  # by a subscription: it began at a cursor, so nobody can join it later
    snapshots: bool = (
        False  # by a subscription: each message says everything, so who joins later gets the last one
    )

    @property
    def loaders(self) -> Loaders:
        """Made when first asked for; an operation has one."""
        if self._loaders is None:
            self._loaders = Loaders(self.store, self.identity.tenant_id)
        return self._loaders

    @property
    def identity(self) -> Identity:
        """Raises Unauthenticated without a valid token, or once it has expired."""
        if self.known is None:
            raise self.refused or Unauthenticated("A token is needed.")
        if self.known.expires_at is not None and self.known.expires_at <= self.now():
            raise Unauthenticated("The token has expired.")
        return self.known

    def page(
        self, first: int | None, after: str | None, last: int | None = None, before: str | None = None
    ) -> Page:
        return Page.of(first, after, last, before)

    def cause(self, mutation: str, input: object, key: str | None, *, part: str = "") -> Cause:
        """The id under which this mutation is known, and a hash of what it was given."""
        identity = self.identity
        command = (
            digest("key", identity.tenant_id, identity.user_id, key, part)
            if key is not None
            else digest("once", self.new_id(), part)
        )
        given = orjson.dumps(_plain(input), option=orjson.OPT_SORT_KEYS, default=str).decode()
        return Cause(
            actor=identity.actor,
            command_id=command,
            correlation_id=self.request_id,
            input_hash=digest(mutation, given),
            keyed=key is not None,
        )

    async def covered(self, info: Info, asked: Scope, *parts: Part) -> tuple[Scope, Coverage]:
        """What a report can be about, and how fresh and complete it is: for subscriptions, which do not know the
        resolvers."""
        return await covered(info, asked, *parts)

    async def live_cursor(self, info: Info) -> str | None:
        """The end of the feed now, where the query asks for it: before its read, so that nothing falls between."""
        if not selects(info, "liveCursor"):
            return None
        return await self.feed.cursor(self.identity.tenant_id)


def _plain(input: object) -> object:
    return asdict(input) if hasattr(input, "__dataclass_fields__") else input  # type: ignore[call-overload]


def selects(info: Info, name: str) -> bool:
    """Whether the field's own selection has a field of this name, in fragments too."""
    raw = info._raw_info  # Strawberry hands out the selection only as a tree made anew each time
    nodes: list[SelectionSetNode | None] = [node.selection_set for node in raw.field_nodes]
    while nodes:
        selection = nodes.pop()
        for node in selection.selections if selection else ():
            match node:
                case FieldNode() if node.name.value == name:
                    return True
                case InlineFragmentNode():
                    nodes.append(node.selection_set)
                case FragmentSpreadNode():
                    fragment: FragmentDefinitionNode | None = raw.fragments.get(node.name.value)
                    nodes.append(fragment.selection_set if fragment else None)
                case _:
                    pass
    return False
