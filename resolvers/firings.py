"""Queries and mutations on firings."""

import strawberry

from domain.errors import DomainError, Unavailable
from domain.firing import FiringFilter
from schema import limits
from schema.arguments import Filter, Given
from schema.errors import user_errors
from schema.firing import Firing, FiringFilterInput, FiringPayload, RerunFiringInput
from schema.info import Info
from schema.paging import After, Before, Connection, First, Last, connect
from schema.permissions import CanOperate, CanView


@strawberry.type
class FiringQueries:
    @strawberry.field(
        description="What came of triggers and events, from new to old.", permission_classes=[CanView]
    )
    async def firings(
        self,
        info: Info,
        filter: Filter[FiringFilterInput] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Firing]:
        store, tenant = info.context.store.firings, info.context.identity.tenant_id
        wanted = FiringFilter() if filter is None else filter.to_domain()
        rows = await store.page(tenant, wanted, info.context.page(first, after, last, before))
        return connect(Connection[Firing], rows, Firing.of, lambda: store.count(tenant, wanted))


@strawberry.type
class FiringMutations:
    @strawberry.mutation(
        description="Do a failed firing again, with its event and the trigger's rule as it is now. What fails again "
        "is no refusal: the firing says why.",
        permission_classes=[CanOperate],
    )
    async def rerun_firing(self, info: Info, input: Given[RerunFiringInput]) -> FiringPayload:
        context = info.context
        try:
            limits.require(input)
            if context.rerun is None:
                raise Unavailable("Nothing can be done again from here.")
            cause = context.cause("rerunFiring", input, input.idempotency_key)
            changed = await context.rerun(input.id, context.identity.tenant_id, cause)
        except DomainError as error:
            return FiringPayload(firing=None, settled=True, user_errors=user_errors(error))
        return FiringPayload(firing=Firing.of(changed.state), settled=changed.settled, user_errors=[])
