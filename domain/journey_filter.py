"""Which journeys are meant: the same filter for lists, counts and the live feed.

All given parts must hold; a list holds when any of its values does.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain import search
from domain.events import Priority
from domain.journey import Status
from domain.template import Category, Stage
from domain.values import JsonObject, timestamp


class JourneyOrder(StrEnum):
    CREATED_AT = "created_at"
    LAST_ACTIVITY = "last_activity"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRange:
    since: datetime | None = None  # inclusive
    until: datetime | None = None  # exclusive

    def holds(self, at: str) -> bool:
        return (self.since is None or at >= timestamp(self.since)) and (
            self.until is None or at < timestamp(self.until)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyFilter:
    status: tuple[Status, ...] | None = None
    stage: tuple[Stage, ...] | None = None
    category: tuple[Category, ...] | None = None
    priority: tuple[Priority, ...] | None = None
    template_id: str | None = None
    assigned_to: str | None = None
    assigned_team: str | None = None
    customer_id: str | None = None
    lead_id: str | None = None
    search: str | None = None
    created_at: TimeRange | None = None
    last_activity: TimeRange | None = None

    @property
    def means_all(self) -> bool:
        """Whether no journey is left out, also where a range without an end is given."""
        ranges = (self.created_at, self.last_activity)
        return not self.one_of and self.search is None and all(each in (None, TimeRange()) for each in ranges)

    @property
    def one_of(self) -> dict[str, tuple[str, ...]]:
        """The parts that compare a facet with a few values."""
        parts: dict[str, tuple[str, ...] | None] = {
            "customerId": _one(self.customer_id),
            "leadId": _one(self.lead_id),
            "assignedTo": _one(self.assigned_to),
            "assignedTeam": _one(self.assigned_team),
            "templateId": _one(self.template_id),
            "status": self.status,
            "stage": self.stage,
            "category": self.category,
            "priority": self.priority,
        }
        return {name: tuple(map(str, values)) for name, values in parts.items() if values is not None}

    @property
    def tokens(self) -> list[str] | None:
        """The search tokens that must all be there; None without a search."""
        return None if self.search is None else search.query_tokens(self.search)

    def matches(self, facets: JsonObject) -> bool:
        """Whether a journey with these facets is meant. A search without a word finds nothing."""
        if any(facets.get(name) not in values for name, values in self.one_of.items()):
            return False
        if self.tokens is not None:
            held = facets.get("search")
            if not self.tokens or not isinstance(held, list) or not set(self.tokens) <= set(map(str, held)):
                return False
        ranges = {"createdAt": self.created_at, "lastActivity": self.last_activity}
        return all(span is None or span.holds(str(facets[name])) for name, span in ranges.items())


def _one(value: str | None) -> tuple[str, ...] | None:
    return None if value is None else (value,)
