"""A customer as the tenant's systems tell of it: known facts, which conditional triggers look at."""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar, Final

from domain.errors import InvalidInput, TooLarge
from domain.events import Event
from domain.identity import Actor
from domain.values import JsonObject

MAX_FACTS_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsUpdated(Event):
    """A customer's known facts changed: a merge at the top level, where a null removes the key."""

    type: ClassVar[str] = "customer:facts_updated"
    tenant_id: str
    customer_id: str
    changes: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    id: str
    tenant_id: str
    revision: int = 0
    customer_id: str
    facts: JsonObject = field(default_factory=dict)
    updated_at: datetime


def begin(id: str, event: FactsUpdated, by: Actor) -> Customer:  # noqa: ARG001  # every kind begins like this
    known = Customer(id=id, tenant_id=event.tenant_id, customer_id=event.customer_id, updated_at=event.at)
    return evolve(known, event)


def evolve(customer: Customer, event: FactsUpdated) -> Customer:
    merged = customer.facts | event.changes
    facts: JsonObject = {key: value for key, value in merged.items() if value is not None}
    return replace(customer, facts=facts, updated_at=event.at)


def update_facts(
    tenant_id: str, customer_id: str, *, changes: JsonObject, at: datetime, known: JsonObject | None = None
) -> list[FactsUpdated]:
    """What is known from now on. Raises TooLarge where that would be over 256 KiB of JSON."""
    if not customer_id.strip():
        raise InvalidInput("A customer is needed.", "customerId")
    if not changes:
        raise InvalidInput("Nothing to update.", "changes")
    size = len(json.dumps((known or {}) | changes, ensure_ascii=False).encode())
    if size > MAX_FACTS_BYTES:
        raise TooLarge(f"The facts would have {size} bytes, over {MAX_FACTS_BYTES}.", "changes")
    return [FactsUpdated(at=at, tenant_id=tenant_id, customer_id=customer_id, changes=changes)]
