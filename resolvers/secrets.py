"""Giving a subject a new secret: its text is kept before an event names it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from domain.errors import Conflict, IdempotencyKeyReused, Unavailable
from domain.secret import Secret, require_secret
from resolvers.context import Context
from storage.subject import Cause, Changed, State, digest

S = TypeVar("S", bound=State)


async def rotate(
    context: Context,
    cause: Cause,
    text: str,
    before: Sequence[Secret],
    *,
    check: Callable[[str], object],
    change: Callable[[str], Awaitable[Changed[S]]],
    after: Callable[[S], Sequence[Secret]],
) -> Changed[S]:
    """Keep the text under an id that only this secret of this command has, and carry the change out with that id.

    `before` and `after` tell which secrets the subject has: those that it has no more are forgotten. What `check`
    refuses keeps no secret. Raises InvalidInput for what is no secret, Unavailable where none can be kept, and what
    `check` and `change` raise.
    """
    if context.vault is None:
        raise Unavailable("Secrets cannot be kept here.")
    require_secret(text)
    id = f"sec_{digest(cause.command_id, cause.input_hash or '')}"
    check(id)
    await context.vault.put(context.identity.tenant_id, id, text)
    try:
        changed = await change(id)
    except (Conflict, IdempotencyKeyReused):
        await context.vault.remove([id])
        raise
    kept = {each.id for each in after(changed.state)}
    await context.vault.remove([each.id for each in before if each.id not in kept])
    return changed
