"""What is known of customers: one document each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from domain import customer as fold
from domain.customer import Customer, FactsUpdated
from domain.errors import NotFound
from domain.values import JsonObject
from storage.change import Changes
from storage.codec import Document
from storage.mongo import DuplicateKeyError
from storage.subject import Cause, Changed, Kind, digest


def _keys(_: Customer) -> Document:
    return {}


CUSTOMER: Final = Kind("customers", Customer, fold.begin, fold.evolve, _keys)


def customer_key(tenant_id: str, customer_id: str) -> str:
    return f"cus_{digest('customer', tenant_id, customer_id)}"


class Customers:
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def update_facts(
        self, tenant_id: str, customer_id: str, changes: JsonObject, at: datetime, cause: Cause
    ) -> Changed[Customer]:
        """Merge facts into what is known; a customer nobody has told of yet is added."""
        id = customer_key(tenant_id, customer_id)
        events = fold.update_facts(tenant_id, customer_id, changes=changes, at=at)
        try:
            return await self._changes.create(CUSTOMER, id, events, cause)
        except DuplicateKeyError:

            async def run(known: Customer, now: datetime) -> Sequence[FactsUpdated]:
                facts = known.facts
                return fold.update_facts(tenant_id, customer_id, changes=changes, at=now, known=facts)

            return await self._changes.change(CUSTOMER, id, tenant_id, run, cause)

    async def find(self, tenant_id: str, customer_id: str) -> Customer | None:
        try:
            return await self._changes.load(CUSTOMER, customer_key(tenant_id, customer_id), tenant_id)
        except NotFound:
            return None

    async def get(self, id: str, tenant_id: str) -> Customer:
        return await self._changes.load(CUSTOMER, id, tenant_id)
