"""Who must still hear of a change: `feed` tells the subscribers, `follow` writes what follows on other documents."""

from collections.abc import Sequence
from typing import Final, Literal

from domain.events import Envelope, Origin
from domain.handoff_events import (
    HandoffCancelled,
    HandoffCompleted,
    HandoffExpired,
    HandoffFailed,
    HandoffRejected,
    HandoffRetried,
)
from domain.incident import IncidentSettled
from domain.journey_events import HandoffRequested, HandoffWithdrawn, NotificationRequested

Word = Literal["feed", "follow"]

FOLLOWED: Final = frozenset(
    each.type
    for each in (
        NotificationRequested,
        HandoffRequested,
        HandoffWithdrawn,
        HandoffCompleted,
        HandoffFailed,
        HandoffRejected,
        HandoffExpired,
        HandoffCancelled,
        HandoffRetried,
        IncidentSettled,
    )
)


def words(change: Sequence[Envelope]) -> tuple[Word, ...]:
    """Imported history has no side effects."""
    if change[0].origin is Origin.IMPORT:
        return ()
    return ("feed", "follow") if any(each.type in FOLLOWED for each in change) else ("feed",)
