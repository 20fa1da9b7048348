"""What campaigns cost: an amount for some days, of which a report counts its share."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.analytics.periods import Period, bounds, period_start
from domain.analytics.scope import FIRST, Scope
from domain.errors import InvalidInput, Problem
from domain.values import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignCost:
    """What was or will be spent on a campaign, a channel or both, evenly over the days from `since` to `until`.

    `since` is the first day, `until` the day after the last. Raises InvalidInput, with every reason, where there is no
    day, no campaign and no channel, or less than no cost.
    """

    campaign: str | None = None
    channel: str | None = None
    since: date
    until: date
    amount: Money

    def __post_init__(self) -> None:
        found = []
        if not (self.campaign or self.channel):
            found.append(Problem("A campaign or a channel is needed.", ("campaign",)))
        if self.since >= self.until:
            found.append(Problem("It ends after it begins.", ("until",)))
        if self.amount.units < 0:
            found.append(Problem("A cost is not negative.", ("amount",)))
        if found:
            raise InvalidInput(found[0].message, problems=found)

    @property
    def days(self) -> int:
        """How many days it is for."""
        return (self.until - self.since).days

    def share(self, scope: Scope) -> Money | None:
        """The part that falls into the scope's range, by days; None where it has no day in it.

        A day belongs to the range in which it begins, in the scope's zone, and counts once it has begun by `now`: what
        lies ahead is not spent yet. Parts of ranges that follow each other add up to the whole, to the last unit.
        """
        first = max(_first_day(max(scope.begins, FIRST), scope.zone), self.since)
        last = min(_first_day(min(scope.ends, scope.now), scope.zone), self.until)
        if first >= last:
            return None
        return Money(self._spent_by(last) - self._spent_by(first), self.amount.currency)

    def _spent_by(self, day: date) -> int:
        """The units spent before the day; what cannot be divided is spent on the later days."""
        return self.amount.units * (day - self.since).days // self.days


def _first_day(at: datetime, zone: ZoneInfo) -> date:
    """The first day that begins at this time or later."""
    day = period_start(at, Period.DAY, zone)
    begins, _ = bounds(day, Period.DAY, zone)
    return day if begins >= at else day + timedelta(days=1)
