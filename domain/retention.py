"""How long a tenant's log, touchpoints and figures are kept: days, or for ever, which is the default.

Only what is told goes: entries of the log, touchpoints and conversions, and prepared figures. Journeys, handoffs and
whatever else has a state stay, and nothing goes that an open journey still has to do with.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final

from domain.errors import InvalidInput, Problem
from domain.events import Event
from domain.identity import Actor

LONGEST: Final = 36_500
RECENT: Final = timedelta(days=2)  # what was recorded since then stays: commands are remembered by the log


class Part(StrEnum):
    EVENTS = "events"
    TOUCHPOINTS = "touchpoints"  # and conversions
    ANALYTICS = "analytics"


SHORTEST: Final = {Part.EVENTS: RECENT.days, Part.TOUCHPOINTS: 1, Part.ANALYTICS: 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionChanged(Event):
    """An administrator said for how many days things are kept; what is not named here is kept for ever."""

    type: ClassVar[str] = "retention:changed"
    tenant_id: str
    events: int | None = None
    touchpoints: int | None = None
    analytics: int | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """How long one part is kept. `gone`: what lies before may have gone under earlier settings."""

    days: int | None = None
    gone: datetime | None = None

    def until(self, now: datetime) -> datetime | None:
        """What lies before is to go; None where nothing is."""
        return None if self.days is None else now - timedelta(days=self.days)

    def since(self, now: datetime) -> datetime | None:
        """The horizon: what lies before may be gone; None where all is there. It never moves back."""
        return max(filter(None, (self.until(now), self.gone)), default=None)

    def changed(self, days: int | None, at: datetime) -> "Span":
        return Span(days, self.since(at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """A tenant's settings, and how far the sweep is: when it is next due, who is at it until then, and where."""

    id: str
    tenant_id: str
    revision: int = 0
    events: Span = Span()
    touchpoints: Span = Span()
    analytics: Span = Span()
    updated_at: datetime | None = None
    updated_by: Actor | None = None
    wake_at: datetime | None = None
    claim: str | None = None
    place: str | None = None

    def span(self, part: Part) -> Span:
        return {
            Part.EVENTS: self.events,
            Part.TOUCHPOINTS: self.touchpoints,
            Part.ANALYTICS: self.analytics,
        }[part]


def begin(id: str, event: RetentionChanged, by: Actor) -> Retention:
    return replace(evolve(Retention(id=id, tenant_id=event.tenant_id), event), updated_by=event.by or by)


def evolve(retention: Retention, event: RetentionChanged) -> Retention:
    """A sweep under way ends with its claim; the next one begins at once, from the beginning."""
    limited = any(days is not None for days in (event.events, event.touchpoints, event.analytics))
    return replace(
        retention,
        events=retention.events.changed(event.events, event.at),
        touchpoints=retention.touchpoints.changed(event.touchpoints, event.at),
        analytics=retention.analytics.changed(event.analytics, event.at),
        updated_at=event.at,
        updated_by=event.by,
        wake_at=event.at if limited else None,
        claim=None,
        place=None,
    )


def set_days(
    retention: Retention, *, events: int | None, touchpoints: int | None, analytics: int | None, at: datetime
) -> list[RetentionChanged]:
    """Keep each part for so many days, or for ever. Raises InvalidInput for days that are out of bounds."""
    days = {Part.EVENTS: events, Part.TOUCHPOINTS: touchpoints, Part.ANALYTICS: analytics}
    found = [
        Problem(f"It is {SHORTEST[part]:,} to {LONGEST:,} days, or null for ever.", (part.value,))
        for part, given in days.items()
        if given is not None and not SHORTEST[part] <= given <= LONGEST
    ]
    if found:
        raise InvalidInput(found[0].message, problems=found)
    if all(retention.span(part).days == given for part, given in days.items()):
        return []
    return [
        RetentionChanged(
            at=at,
            tenant_id=retention.tenant_id,
            events=events,
            touchpoints=touchpoints,
            analytics=analytics,
        )
    ]
