"""Who must still hear of a change: `feed` tells the subscribers, `follow` writes what follows on other documents,
`triggers` fires those that wait for it, `webhooks` makes the deliveries to those that want it."""

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
from domain.journey_events import (
    HandoffRequested,
    HandoffWithdrawn,
    IncidentOpened,
    IncidentResolved,
    JourneyAbandoned,
    JourneyCompleted,
    JourneyFailed,
    NotificationRequested,
    StepRetried,
)
from domain.template_events import TemplateActivated, TemplateCreated, TemplateDeactivated
from domain.trigger import TriggerDue
from domain.work_events import ActionRequested, ChildRequested, WorkWithdrawn

Word = Literal["feed", "follow", "triggers", "webhooks"]

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
        ActionRequested,
        ChildRequested,
        WorkWithdrawn,
        IncidentOpened,
        IncidentResolved,
        TemplateCreated,
        TemplateActivated,
        TemplateDeactivated,
    )
)
OF_CHILDREN: Final = frozenset(
    each.type for each in (JourneyCompleted, JourneyFailed, JourneyAbandoned, StepRetried)
)


def words(change: Sequence[Envelope]) -> tuple[Word, ...]:
    """Imported history has no side effects."""
    if change[0].origin is Origin.IMPORT:
        return ()
    followed = FOLLOWED | OF_CHILDREN if _of_child(change) else FOLLOWED
    follows = any(each.type in followed for each in change)
    fires = any(each.type == TriggerDue.type or not each.type.startswith("trigger:") for each in change)
    wanted: dict[Word, bool] = {"feed": True, "follow": follows, "triggers": fires, "webhooks": True}
    return tuple(word for word, holds in wanted.items() if holds)


def _of_child(change: Sequence[Envelope]) -> bool:
    """Whether it is a journey's that another one waits for."""
    return (change[0].facets or {}).get("parentId") is not None
