"""What a report is about: whose journeys, which time, and in whose calendar."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Self
from zoneinfo import ZoneInfo

from domain.analytics.periods import Weekday
from domain.errors import InvalidInput, NotKept
from domain.journey_filter import JourneyFilter
from domain.values import timestamp

FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST: Final = datetime(9999, 1, 1, tzinfo=UTC)


class UnitKind(StrEnum):
    """What a report counts."""

    JOURNEY = "journey"
    CUSTOMER = "customer"  # or the lead, as long as it is none's


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """`since` is in the range, `until` is not; without one, the range is open to that side. `now` is when the report is
    made; `filter` says which journeys are meant, as they are now."""

    tenant_id: str
    now: datetime
    since: datetime | None = None
    until: datetime | None = None
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    week_start: Weekday = Weekday.MONDAY
    filter: JourneyFilter = field(default_factory=JourneyFilter)

    def __post_init__(self) -> None:
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise InvalidInput("A range ends after it begins.", "range", "until")

    @property
    def begins(self) -> datetime:
        return self.since or FIRST

    @property
    def ends(self) -> datetime:
        return self.until or LAST

    def kept(self, horizon: datetime | None) -> Self:
        """The same without what lies before the horizon, where what is left is not all there was. Raises NotKept for a
        range that lies before it whole."""
        if horizon is None or horizon <= self.begins:
            return self
        if self.ends <= horizon:
            raise NotKept(f"Figures are kept since {timestamp(horizon)} only.", "range", "until")
        return replace(self, since=horizon)
