"""Equal subscriptions are executed and encoded once, and sent to all.

Equal means: the same document, operation, variables, tenant, roles and groups, and the same user where a field
depends on who it is (`OF_THE_VIEWER` in `app/graphql.py`). A group runs the subscription with the identity of whoever
opened it; nothing that it shows may depend on more of it than that.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable
from contextlib import suppress
from copy import copy
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Protocol

import orjson
from graphql import GraphQLError
from strawberry.types import ExecutionResult

from domain.errors import DomainError, Lagged, Unauthenticated
from domain.identity import Identity
from subscriptions.mailbox import Mailbox

MAILBOX: Final = 256


class Delivering(Protocol):
    """What a group needs of a context: what was told last, with the cursor behind it."""

    delivered: tuple[str, str | None] | None
    replays: bool
    snapshots: bool
    known: Identity | None

    @property
    def now(self) -> Callable[[], datetime]: ...


Source = Callable[[Any], Awaitable[AsyncIterator[ExecutionResult]]]


class Groups:
    """The subscriptions that this process runs."""

    def __init__(self) -> None:
        self._groups: dict[Hashable, _Group] = {}

    def __len__(self) -> int:
        return len(self._groups)

    async def join(
        self, key: Hashable, context: Delivering, source: Source
    ) -> AsyncGenerator[ExecutionResult, None]:
        """The results of a subscription, from a group that runs already or a new one."""
        group = self._groups.get(key)
        if group is None or not group.joinable:
            group = _Group(_for_all(context), source)
            self._groups[key] = group
        mailbox = group.enter()
        expiry = _end_with_token(context, mailbox)
        try:
            while True:
                try:
                    result, cursor = await mailbox.get()
                except StopAsyncIteration:
                    return
                except DomainError as error:
                    yield _refusal(error, group.cursor_of(mailbox))
                    return
                group.taken()
                yield result
                group.reached(mailbox, cursor)
        finally:
            if expiry is not None:
                expiry.cancel()
            if group.leave(mailbox) and self._groups.get(key) is group:
                del self._groups[key]


class _Group:
    """One running subscription and those who read it."""

    def __init__(self, context: Delivering, source: Source) -> None:
        self._context, self._source = context, source
        self._members: dict[Mailbox[tuple[ExecutionResult, str | None]], str | None] = {}
        self._told = self._over = False
        self._last: tuple[str, tuple[ExecutionResult, str | None]] | None = None
        self._room = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    @property
    def joinable(self) -> bool:
        """Whether a newcomer gets all it would get on its own: not after a replay has begun, nor at the end. Of what
        always tells everything, it gets the last message."""
        return not self._over and not (self._told and self._context.replays)

    def enter(self) -> Mailbox[tuple[ExecutionResult, str | None]]:
        mailbox: Mailbox[tuple[ExecutionResult, str | None]] = Mailbox(MAILBOX, lambda _, newer: newer)
        if self._last is not None:
            mailbox.put(*self._last)
        self._members[mailbox] = None
        self._room.set()
        return mailbox

    def leave(self, mailbox: Mailbox[tuple[ExecutionResult, str | None]]) -> bool:
        """Whether that was the last one; then the subscription ends."""
        self._members.pop(mailbox, None)
        if not self._members:
            self._over = True
            self._task.cancel()
        return not self._members

    def taken(self) -> None:
        self._room.set()

    def reached(self, mailbox: Mailbox[tuple[ExecutionResult, str | None]], cursor: str | None) -> None:
        self._members[mailbox] = cursor or self._members.get(mailbox)

    def cursor_of(self, mailbox: Mailbox[tuple[ExecutionResult, str | None]]) -> str | None:
        return self._members.get(mailbox)

    async def _run(self) -> None:
        error: Exception | None = None
        try:
            results = await self._source(self._context)
            try:
                async for result in results:
                    self._tell(result)
                    await self._pace()
            finally:
                close = getattr(results, "aclose", None)
                if close is not None:
                    with suppress(RuntimeError):
                        await close()
        except Exception as raised:  # every member is told, and decides
            error = raised
        finally:
            self._over = True
            for mailbox in list(self._members):
                mailbox.end(error)

    def _tell(self, result: ExecutionResult) -> None:
        key, cursor = self._context.delivered or ("", None)
        self._told = True
        if result.data is not None:
            result.data = orjson.Fragment(orjson.dumps(result.data))  # type: ignore[assignment]  # encoded once
        if self._context.snapshots and result.errors is None:
            self._last = (key, (result, cursor))
        for mailbox in list(self._members):
            mailbox.put(key if result.errors is None else object(), (result, cursor))

    async def _pace(self) -> None:
        """The quickest member sets the pace, so that a replay overruns nobody; who falls behind it is cut off."""
        await asyncio.sleep(0)
        while all(mailbox.crowded for mailbox in self._members):
            self._room.clear()
            await self._room.wait()


def _for_all(context: Delivering) -> Delivering:
    """A context of the group's own, which does not end with the token of whoever opened it."""
    own = copy(context)
    own.known = None if context.known is None else replace(context.known, expires_at=None)
    return own


def _end_with_token(context: Delivering, mailbox: Mailbox[Any]) -> asyncio.TimerHandle | None:
    """A member's subscription ends when its own token does."""
    if context.known is None or context.known.expires_at is None:
        return None
    left = (context.known.expires_at - context.now()).total_seconds()
    return asyncio.get_running_loop().call_later(left, mailbox.end, Unauthenticated("The token has expired."))


def _refusal(error: DomainError, cursor: str | None) -> ExecutionResult:
    extensions: dict[str, Any] = {"code": error.code.value}
    if isinstance(error, Lagged):
        extensions["cursor"] = cursor
    return ExecutionResult(data=None, errors=[GraphQLError(error.message, extensions=extensions)])
