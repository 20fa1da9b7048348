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
    again = (entry.attempts + 1) // TRIES - 1
    part = (str(again),) if again else ()
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


async def try_again(store: Store, resolved: Envelope) -> None:
    """The incident of an entry is resolved: the entry is pending again. Of any other incident: nothing."""
    incident = await store.incidents.get(resolved.subject, resolved.tenant_id)
    if incident.kind is IncidentKind.RELAY and incident.event_id is not None:
        await store.events.again(incident.event_id, resolved.recorded_at)


def _plain(error: Exception) -> str:
    """What kind of error it is, in words; what it says may hold somebody's data."""
    return _WORD.sub(" ", type(error).__name__).lower()
