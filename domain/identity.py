"""Who is asking: one person or system of one tenant, with roles until the token expires."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """Each role is separate, except that ADMIN may do whatever any role may."""

    VIEWER = "viewer"  # read and watch
    OPERATOR = "operator"  # move journeys, record touchpoints and conversions
    APPROVER = "approver"  # decide on approvals
    ADMIN = "admin"  # templates, settings, the relay's state
    SERVICE = "service"  # another system: whatever an operator may


class ActorKind(StrEnum):
    USER = "user"
    SERVICE = "service"
    SYSTEM = "system"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who caused an event."""

    kind: ActorKind
    id: str


@dataclass(frozen=True, slots=True)
class Identity:
    tenant_id: str
    user_id: str
    roles: frozenset[Role]
    expires_at: datetime | None = None  # UTC; None: the development identity never expires
    groups: frozenset[str] = frozenset()  # other names in the token's roles, for approval policies

    @property
    def actor(self) -> Actor:
        """A person, unless all that is held is the role of a system."""
        return Actor(ActorKind.SERVICE if self.roles == {Role.SERVICE} else ActorKind.USER, self.user_id)

    def has(self, *roles: Role) -> bool:
        """Whether any of these roles, or ADMIN, is held."""
        return not self.roles.isdisjoint({Role.ADMIN, *roles})

    def holds(self, names: Iterable[str]) -> bool:
        """Whether any of these names of roles or groups, or ADMIN, is held."""
        return Role.ADMIN in self.roles or any(name in self.groups or name in self.roles for name in names)
