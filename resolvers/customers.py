"""What is known of customers: queries and mutations."""

from typing import Annotated

import strawberry

from domain.errors import DomainError
from schema import limits
from schema.arguments import Given
from schema.customer import Customer, CustomerPayload, UpdateCustomerFactsInput
from schema.errors import user_errors
from schema.info import Info
from schema.permissions import CanOperate, CanView
from schema.scalars import json_object


@strawberry.type
class CustomerQueries:
    @strawberry.field(
        description="What is known of a customer; null where nobody has told of one.",
        permission_classes=[CanView],
    )
    async def customer(
        self,
        info: Info,
        id: Annotated[str, strawberry.argument(description="The customer's id in the tenant's systems.")],
    ) -> Customer | None:
        found = await info.context.store.customers.find(info.context.identity.tenant_id, id)
        return None if found is None else Customer.of(found)


@strawberry.type
class CustomerMutations:
    @strawberry.mutation(
        description="Tell what has become known of a customer; conditional triggers look at it.",
        permission_classes=[CanOperate],
    )
    async def update_customer_facts(
        self, info: Info, input: Given[UpdateCustomerFactsInput]
    ) -> CustomerPayload:
        context = info.context
        try:
            limits.require(input)
            changed = await context.store.customers.update_facts(
                context.identity.tenant_id,
                input.customer_id,
                json_object(input.changes),
                context.now(),
                context.cause("updateCustomerFacts", input, input.idempotency_key),
            )
        except DomainError as error:
            return CustomerPayload(customer=None, settled=True, user_errors=user_errors(error))
        return CustomerPayload(customer=Customer.of(changed.state), settled=changed.settled, user_errors=[])
