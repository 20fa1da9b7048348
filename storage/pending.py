"""Who must still hear of a change: `feed` tells the subscribers, `follow` writes what follows on other documents,
`triggers` fires those that wait for it."""

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
from domain.trigger import TriggerDue

Word = Literal["feed", "follow", "triggers"]

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
    follows = any(each.type in FOLLOWED for each in change)
    fires = any(each.type == TriggerDue.type or not each.type.startswith("trigger:") for each in change)
    wanted: dict[Word, bool] = {"feed": True, "follow": follows, "triggers": fires}
    return tuple(word for word, holds in wanted.items() if holds)
