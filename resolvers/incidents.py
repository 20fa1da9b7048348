"""Queries and mutations on incidents."""

from collections.abc import Sequence
from datetime import datetime

import strawberry

from domain import incident as domain
from domain.errors import DomainError, InvalidInput
from domain.incident import IncidentEvent, IncidentFilter
from schema import limits
from schema.arguments import Filter, Given
from schema.errors import user_errors
from schema.incident import Incident, IncidentFilterInput, IncidentPayload, ResolveIncidentInput
from schema.info import Info
from schema.paging import After, Before, Connection, First, Last, connect
from schema.permissions import CanOperate, CanView


@strawberry.type
class IncidentQueries:
    @strawberry.field(
        description="What stopped and needs a person, from new to old.", permission_classes=[CanView]
    )
    async def incidents(
        self,
        info: Info,
        filter: Filter[IncidentFilterInput] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Incident]:
        store, tenant = info.context.store.incidents, info.context.identity.tenant_id
        wanted = IncidentFilter() if filter is None else filter.to_domain()
        rows = await store.page(tenant, wanted, info.context.page(first, after, last, before))
        return connect(Connection[Incident], rows, Incident.of, lambda: store.count(tenant, wanted))


@strawberry.type
class IncidentMutations:
    @strawberry.mutation(
        description="Close an incident by hand. What retries a failed handoff, or leaves its step, closes it too.",
        permission_classes=[CanOperate],
    )
    async def resolve_incident(self, info: Info, input: Given[ResolveIncidentInput]) -> IncidentPayload:
        context = info.context

        def resolve(incident: domain.Incident, at: datetime) -> Sequence[IncidentEvent]:
            domain.require_open(incident)
            return domain.resolve(incident, resolution=input.resolution, at=at)

        try:
            limits.require(input)
            if not input.resolution.strip():
                raise InvalidInput("Say how it was resolved.", "resolution")
            changed = await context.store.incidents.change(
                input.id,
                context.identity.tenant_id,
                resolve,
                context.cause("resolveIncident", input, input.idempotency_key),
                expected=input.expected_revision,
            )
        except DomainError as error:
            return IncidentPayload(incident=None, settled=True, user_errors=user_errors(error))
        return IncidentPayload(incident=Incident.of(changed.state), settled=changed.settled, user_errors=[])
