"""Which handoffs are meant: the same filter for lists, counts and the live feed. All given parts must hold."""

from dataclasses import dataclass
from enum import StrEnum

from domain.events import HandoffStatus
from domain.handoff_events import HandoffType
from domain.identity import Identity
from domain.journey_filter import TimeRange
from domain.values import JsonObject


class HandoffOrder(StrEnum):
    CREATED_AT = "created_at"
    LAST_ACTIVITY = "last_activity"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffFilter:
    status: tuple[HandoffStatus, ...] | None = None
    type: tuple[HandoffType, ...] | None = None
    from_package: str | None = None
    to_package: str | None = None
    action: str | None = None
    journey_id: str | None = None
    customer_id: str | None = None
    lead_id: str | None = None
    assigned_to: str | None = None
    created_at: TimeRange | None = None

    @property
    def one_of(self) -> dict[str, tuple[str, ...]]:
        """The parts that compare a facet with a few values, the most selective first."""
        parts: dict[str, tuple[str, ...] | None] = {
            "journeyId": _one(self.journey_id),
            "customerId": _one(self.customer_id),
            "leadId": _one(self.lead_id),
            "assignedTo": _one(self.assigned_to),
            "toPackage": _one(self.to_package),
            "status": self.status,
            "type": self.type,
            "fromPackage": _one(self.from_package),
            "action": _one(self.action),
        }
        return {name: tuple(map(str, values)) for name, values in parts.items() if values is not None}

    def matches(self, facets: JsonObject) -> bool:
        """Whether a handoff with these facets is meant."""
        if not facets.get("handoff"):
            return False
        if any(facets.get(name) not in values for name, values in self.one_of.items()):
            return False
        return self.created_at is None or self.created_at.holds(str(facets["createdAt"]))


def audience_of(identity: Identity) -> list[str]:
    """The names under which approvals are in this person's list."""
    names = sorted({*(role.value for role in identity.roles), *identity.groups})
    return [*(f"role:{name}" for name in names), f"user:{identity.user_id}"]


def awaits(facets: JsonObject, identity: Identity) -> bool:
    """Whether a handoff with these facets is one that this person may decide."""
    audience, gone = facets.get("audience"), facets.get("excluded")
    if not isinstance(audience, list) or not isinstance(gone, list) or identity.user_id in gone:
        return False
    return not set(map(str, audience)).isdisjoint(audience_of(identity))


def _one(value: str | None) -> tuple[str, ...] | None:
    return None if value is None else (value,)
