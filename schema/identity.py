"""Who asks, and who did something."""

from typing import Self

import strawberry

from domain import identity as domain
from domain.identity import ActorKind, Role


@strawberry.type(description="Who caused something.")
class Actor:
    kind: ActorKind = strawberry.field(description="What kind of actor it is.")
    id: str = strawberry.field(description="The actor's id: a user, a system, or a name in imported history.")

    @classmethod
    def of(cls, actor: domain.Actor) -> Self:
        return cls(kind=actor.kind, id=actor.id)


@strawberry.type(description="Who is asking, by the token.")
class Viewer:
    tenant_id: str = strawberry.field(description="The tenant; nothing of another one is ever shown.")
    user_id: str = strawberry.field(description="The user or system.")
    roles: list[Role] = strawberry.field(description="What the viewer may do.")

    @classmethod
    def of(cls, identity: domain.Identity) -> Self:
        return cls(tenant_id=identity.tenant_id, user_id=identity.user_id, roles=sorted(identity.roles))
