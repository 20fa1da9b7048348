"""Changes as the log keeps them, long before whatever other tests leave there."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from domain.events import Envelope
from storage.entries import entry_documents
from storage.events import EventLog
from tests.domain.samples import ANNA, NOON
from tests.storage.subjects import all_pages

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
TYPES = ("journey:started", "journey:paused", "touchpoint:added")


def change(
    tenant: str, subject: str, revision: int, *types: str, at: datetime = NOON, **rest: Any
) -> list[Envelope]:
    """The events of one change."""
    subject = f"{subject}_{tenant}"
    given = {
        "recorded_at": at,
        "command_id": f"{subject}:{revision}",
        "data": {},
        "source": "journeys",
    } | rest
    return [
        Envelope(
            id=f"{subject}:{revision}:{n}",
            type=type,
            subject=subject,
            revision=revision,
            n=n,
            tenant_id=tenant,
            actor=ANNA,
            occurred_at=at,
            correlation_id="test",
            **given,
        )
        for n, type in enumerate(types or TYPES[:1])
    ]


async def keep(log: EventLog, *changes: Sequence[Envelope]) -> list[Envelope]:
    await log.append([entry for each in changes for entry in entry_documents(each)])
    return [envelope for each in changes for envelope in each]


async def history(log: EventLog, subject: str, size: int = 100, *, backwards: bool = False) -> list[Envelope]:
    return await all_pages(lambda page: log.history(subject, page), size, backwards=backwards)
