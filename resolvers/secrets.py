"""Giving a subject a new secret: its text is kept before an event names it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from domain.errors import DomainError, QueryTimeout, Unavailable
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
    refuses keeps no secret, nor does what `change` refuses, unless that was carried out long ago: then the subject has
    this secret. Raises InvalidInput for what is no secret, Unavailable where none can be kept, and what `check` and
    `change` raise.
    """
    if context.vault is None:
        raise Unavailable("Secrets cannot be kept here.")
    require_secret(text)
    id = f"sec_{digest(cause.command_id, cause.input_hash or '')}"
    check(id)
    await context.vault.put(context.identity.tenant_id, id, text)
    try:
        changed = await change(id)
    except (Unavailable, QueryTimeout):
        raise  # it may be carried out all the same; if not, it is given again and puts the text under the same id
    except DomainError:
        if not await _named(context, id):
            await context.vault.remove([id])
        raise
    kept = {each.id for each in after(changed.state)}
    await context.vault.remove([each.id for each in before if each.id not in kept])
    return changed


async def _named(context: Context, id: str) -> bool:
    """Whether anything of the tenant has this secret."""
    store, tenant = context.store, context.identity.tenant_id
    owners: list[Sequence[Secret]] = [each.secrets for each in await store.webhooks.all(tenant)]
    owners += [each.secrets for each in await store.sources.all(tenant)]
    owners += [each.secrets for each in await store.packages.all(tenant)]
    return any(each.id == id for secrets in owners for each in secrets)
