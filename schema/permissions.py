"""Who may use a field. Every root field names one of these; a test walks the schema for one that does not."""

from collections.abc import Mapping
from typing import Any, ClassVar

from strawberry.permission import BasePermission

from domain.errors import Forbidden
from domain.identity import Role
from schema.info import Info


class Needs(BasePermission):
    """One of the roles, or ADMIN."""

    roles: ClassVar[tuple[Role, ...]]

    def has_permission(self, source: object, info: Info, **kwargs: Mapping[str, Any]) -> bool:  # noqa: ARG002
        return info.context.identity.has(*self.roles)

    def on_unauthorized(self) -> None:
        names = " or ".join(role.name for role in self.roles)
        raise Forbidden(f"This needs the role {names}.")


class CanView(Needs):
    """Anybody with a role of the tenant."""

    roles = (Role.VIEWER, Role.OPERATOR, Role.APPROVER, Role.SERVICE)


class CanOperate(Needs):
    roles = (Role.OPERATOR, Role.SERVICE)


class CanDecide(Needs):
    roles = (Role.APPROVER,)


class CanAdminister(Needs):
    roles = (Role.ADMIN,)
