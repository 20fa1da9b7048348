"""What is known of customers as GraphQL shows it, and what clients send about them."""

from datetime import datetime
from typing import Self

import strawberry

from domain import customer as domain
from schema.errors import UserError
from schema.scalars import JSON


@strawberry.type(description="What is known of a customer. Conditional triggers look at it.")
class Customer:
    customer_id: str = strawberry.field(description="The customer's id in the tenant's systems.")
    facts: JSON = strawberry.field(description="What is known, by name.")
    revision: int = strawberry.field(description="Grows by one with every change, from 1.")
    updated_at: datetime = strawberry.field(description="When something became known last.")

    @classmethod
    def of(cls, customer: domain.Customer) -> Self:
        return cls(
            customer_id=customer.customer_id,
            facts=JSON(customer.facts),
            revision=customer.revision,
            updated_at=customer.updated_at,
        )


@strawberry.input(description="What has become known of a customer.")
class UpdateCustomerFactsInput:
    customer_id: str = strawberry.field(description="The customer's id; one nobody has told of yet is added.")
    changes: JSON = strawberry.field(
        description="An object that is merged at the top level; a null removes the key. All facts together have at "
        "most 256 KiB."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="Given again, the mutation is not carried out again but answers as before."
    )


@strawberry.type(description="A customer after a mutation, or why it was refused.")
class CustomerPayload:
    customer: Customer | None = strawberry.field(description="What is known now; null when refused.")
    settled: bool = strawberry.field(
        description="Whether its events are in the log and what follows directly is done; else both come soon."
    )
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was not.")
