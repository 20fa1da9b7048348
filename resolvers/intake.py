"""Taking what other systems report, whichever way it comes: checked by the same rules, and kept once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain import external
from domain.errors import InvalidInput
from domain.events import Envelope
from domain.external import Report
from storage.store import Store
from storage.subject import Cause

MAX_EVENTS: Final = 1_000  # at a time


@dataclass(frozen=True, slots=True)
class Kept:
    """An event as the log has it now."""

    event: Envelope
    duplicate: bool


def require_good(report: Report, *, now: datetime) -> None:
    """Raises InvalidInput with every reason why it cannot be taken."""
    if found := external.foreign_problems(report, now=now):
        raise InvalidInput(found[0].message, problems=found)


def envelope(report: Report, tenant_id: str, cause: Cause, *, now: datetime) -> Envelope:
    """A good report as the log is to keep it."""
    return external.envelope(
        report,
        tenant_id=tenant_id,
        by=cause.actor,
        now=now,
        command_id=cause.command_id,
        input_hash=cause.input_hash,
        correlation_id=cause.correlation_id,
    )


async def keep(store: Store, tenant_id: str, envelopes: Sequence[Envelope], cause: Cause) -> list[Kept]:
    """Put them into the log. One that is there already is told as it is there; it is a duplicate but where this very
    command had put it there."""
    fresh = await store.changes.take(envelopes)
    known = [each.id for each, new in zip(envelopes, fresh, strict=True) if not new]
    there = await store.events.many(known, tenant_id)
    kept: list[Kept] = []
    seen: set[str] = set()
    for each in envelopes:
        event = there.get(each.id, each)
        kept.append(Kept(event, each.id in seen or event.command_id != cause.command_id))
        seen.add(each.id)
    return kept
