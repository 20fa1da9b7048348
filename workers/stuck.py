"""Stuck: an entry of the log that ten tries could not follow up or tell is an incident, until a person resolves it."""

import re
from datetime import datetime
from typing import Final

from domain.events import Envelope
from domain.incident import IncidentKind, IncidentRaised
from storage.entries import TRIES, Entry
from storage.incidents import incident_id
from storage.store import Store
from storage.subject import Cause, digest
from storage.templates import SYSTEM

_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


async def raise_incident(store: Store, entry: Entry, error: Exception, at: datetime) -> None:
    """Open the incident of this entry; twice is once. After another ten tries it is another one."""
    stuck = entry.envelope
    part = _part(entry)
    raised = IncidentRaised(
        at=at,
        tenant_id=stuck.tenant_id,
        kind=IncidentKind.RELAY,
        reason=f"{stuck.type} could not be followed up: {_plain(error)}",
        event_id=stuck.id,
    )
    name = digest("stuck", stuck.id, *part)
    cause = Cause(SYSTEM, name, stuck.correlation_id, stuck.id, requester=stuck.person)
    await store.incidents.open(incident_id("relay", stuck.id, *part), raised, cause)


async def withdraw_incident(store: Store, entry: Entry) -> None:
    """The tenth try was a success, though another worker may have failed with it and opened the incident."""
    done, part = entry.envelope, _part(entry)
    name = digest("unstuck", done.id, *part)
    cause = Cause(SYSTEM, name, done.correlation_id, done.id, requester=done.person)
    id = incident_id("relay", done.id, *part)
    await store.incidents.resolve_if_open(id, done.tenant_id, "it was done at the last try", cause)


async def try_again(store: Store, resolved: Envelope) -> None:
    """The incident of an entry is resolved: the entry is pending again. Of any other incident: nothing."""
    incident = await store.incidents.get(resolved.subject, resolved.tenant_id)
    if incident.kind is IncidentKind.RELAY and incident.event_id is not None:
        await store.events.again(incident.event_id, resolved.recorded_at)


def _part(entry: Entry) -> tuple[str, ...]:
    """What tells the incident of these ten tries from that of the ten before."""
    again = (entry.attempts + 1) // TRIES - 1
    return (str(again),) if again else ()


def _plain(error: Exception) -> str:
    """What kind of error it is, in words; what it says may hold somebody's data."""
    return _WORD.sub(" ", type(error).__name__).lower()
