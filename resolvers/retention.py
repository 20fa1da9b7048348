"""How long things are kept: the query and the mutation."""

from collections.abc import Sequence
from datetime import datetime

import strawberry

from domain import retention as domain
from domain.errors import DomainError
from domain.retention import RetentionChanged
from schema import limits
from schema.arguments import Given
from schema.errors import user_errors
from schema.info import Info
from schema.permissions import CanAdminister, CanView
from schema.retention import Retention, RetentionPayload, SetRetentionInput


@strawberry.type
class RetentionQueries:
    @strawberry.field(
        description="How long this tenant's events, touchpoints and figures are kept, and how far back they reach now.",
        permission_classes=[CanView],
    )
    async def retention(self, info: Info) -> Retention:
        context = info.context
        return Retention.of(await context.store.retention.get(context.identity.tenant_id), context.now())


@strawberry.type
class RetentionMutations:
    @strawberry.mutation(
        description="Say for how many days events, touchpoints and figures are kept. What is older is deleted from now "
        "on, and cannot be brought back.",
        permission_classes=[CanAdminister],
    )
    async def set_retention(self, info: Info, input: Given[SetRetentionInput]) -> RetentionPayload:
        context = info.context

        def command(retention: domain.Retention, at: datetime) -> Sequence[RetentionChanged]:
            return domain.set_days(
                retention,
                events=input.events,
                touchpoints=input.touchpoints,
                analytics=input.analytics,
                at=at,
            )

        try:
            limits.require(input)
            changed = await context.store.retention.change(
                context.identity.tenant_id,
                command,
                context.cause("setRetention", input, input.idempotency_key),
                expected=input.expected_revision,
            )
        except DomainError as error:
            return RetentionPayload(retention=None, settled=True, user_errors=user_errors(error))
        return RetentionPayload(
            retention=Retention.of(changed.state, context.now()), settled=changed.settled, user_errors=[]
        )
