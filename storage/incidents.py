"""Incidents: opened by what failed, resolved by what mends it; listed from new to old."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from domain import incident as fold
from domain.errors import NotFound
from domain.incident import Incident, IncidentEvent, IncidentFilter, IncidentRaised
from domain.paging import Page, Rows
from domain.values import timestamp
from storage.change import Changes
from storage.codec import Document
from storage.indexes import INCIDENT_FILTERS
from storage.listing import Listing
from storage.mongo import DuplicateKeyError, Mongo
from storage.subject import (
    Cause,
    Changed,
    Kind,
    digest,
)

Command = Callable[[Incident, datetime], Sequence[IncidentEvent]]


def _keys(incident: Incident) -> Document:
    return {"createdKey": f"{timestamp(incident.created_at)}|{incident.id}"}


INCIDENT: Final = Kind(
    "incidents", Incident, fold.begin, fold.evolve, _keys, lambda incident: incident.facets
)


def incident_id(*about: str) -> str:
    """The id of the incident about this; the same thing is one incident."""
    return f"inc_{digest('incident', *about)}"


class Incidents:
    def __init__(self, mongo: Mongo, changes: Changes) -> None:
        self._changes = changes
        self._listing: Listing[Incident] = Listing(mongo, INCIDENT, INCIDENT_FILTERS)

    async def open(self, id: str, event: IncidentRaised, cause: Cause) -> None:
        """Twice is once."""
        try:
            await self._changes.create(INCIDENT, id, [event], cause)
        except DuplicateKeyError:
            return

    async def change(
        self, id: str, tenant_id: str, command: Command, cause: Cause, *, expected: int | None = None
    ) -> Changed[Incident]:
        async def run(incident: Incident, now: datetime) -> Sequence[IncidentEvent]:
            return command(incident, max(now, incident.created_at))

        return await self._changes.change(INCIDENT, id, tenant_id, run, cause, expected=expected)

    async def resolve(self, id: str, tenant_id: str, resolution: str, cause: Cause) -> Changed[Incident]:
        """Raises NotFound. Resolved already, it stays as it is."""

        def resolve(incident: Incident, at: datetime) -> Sequence[IncidentEvent]:
            return fold.resolve(incident, resolution=resolution, at=at)

        return await self.change(id, tenant_id, resolve, cause)

    async def resolve_if_open(self, id: str, tenant_id: str, resolution: str, cause: Cause) -> None:
        """The same where there may be none."""
        try:
            await self.resolve(id, tenant_id, resolution, cause)
        except NotFound:
            return

    async def get(self, id: str, tenant_id: str) -> Incident:
        return await self._changes.load(INCIDENT, id, tenant_id)

    async def page(self, tenant_id: str, filter: IncidentFilter, page: Page) -> Rows[Incident]:
        return await self._listing.page(tenant_id, _one_of(filter), page)

    async def count(self, tenant_id: str, filter: IncidentFilter) -> int:
        return await self._listing.count(tenant_id, _one_of(filter))


def _one_of(filter: IncidentFilter) -> dict[str, tuple[str, ...]]:
    parts = {"journeyId": filter.journey_id, "status": filter.status, "kind": filter.kind}
    return {name: (str(value),) for name, value in parts.items() if value is not None}
