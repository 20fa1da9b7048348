"""Contacts and conversions in the database, as documents that the service writes, and as Hypothesis makes them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from hypothesis import strategies as st

from app.wiring import utc_now
from domain.record_events import ConversionAdded, TouchpointAdded
from domain.template import Stage
from domain.values import Money
from storage.milestones import LEADS
from storage.mongo import Mongo
from storage.store import Store
from storage.touchpoints import CONVERSION, TOUCHPOINT
from tests.domain.samples import NOON
from tests.storage.subjects import cause

Record = TouchpointAdded | ConversionAdded

LINKED = {"l1": "c1", "l2": "c3"}  # leads that are customers by now; l3 is nobody yet
JOURNEYS = {"j1": "acquisition", "j2": "renewal"}  # of these templates

# Tenths of a day, so that records meet, also at the same moment.
moments = st.integers(0, 200).map(lambda tenths: NOON + timedelta(days=tenths / 10))
money = st.builds(Money, st.integers(0, 2**40), st.sampled_from(("EUR", "EUR", "EUR", "CHF")))
PEOPLE = (("c1", None), (None, "l1"), ("c1", "l2"), (None, "l3"), ("c3", None), (None, "l2"), (None, None))


def placed(person: tuple[str | None, str | None], journey: str | None, record: Record) -> Record:
    return replace(record, customer_id=person[0], lead_id=person[1], journey_id=journey)


def somebodys(records: st.SearchStrategy[Record]) -> st.SearchStrategy[Any]:
    """On a customer, a lead, both or neither; perhaps on a journey."""
    return st.builds(placed, st.sampled_from(PEOPLE), st.sampled_from((None, *JOURNEYS)), records)


keys = {
    "channel": st.sampled_from(("direct", "mail", "search")),
    "source": st.sampled_from(("crm", "web")),
    "campaign": st.sampled_from((None, "spring", "$autumn")),
}
_touchpoints = st.builds(
    TouchpointAdded,
    at=moments,
    tenant_id=st.just(""),
    kind=st.sampled_from(("call", "visit")),
    title=st.just(""),
    cost=st.none() | money,
    **keys,
)
_conversions = st.builds(
    ConversionAdded,
    at=moments,
    tenant_id=st.just(""),
    kind=st.sampled_from(("sale", "$upsell")),
    to_stage=st.just(Stage.CUSTOMER),
    value=st.none() | money,
    **{name: st.none() | each for name, each in keys.items()},
)
touchpoints = somebodys(_touchpoints)
conversions = somebodys(_conversions)


@dataclass(repr=False)  # Hypothesis would print it all
class Recorded:
    """A tenant of its own with these records."""

    store: Store
    tenant: str

    @classmethod
    async def of(
        cls, mongo: Mongo, touchpoints: Iterable[Record], conversions: Iterable[Record]
    ) -> "Recorded":
        recorded = cls(Store.of(mongo, utc_now), f"t{uuid4().hex[:12]}")
        await recorded.keep("touchpoints", touchpoints)
        await recorded.keep("conversions", conversions)
        tenant = recorded.tenant
        leads = [
            {"_id": f"{tenant}|{lead}", "tenantId": tenant, "customerId": customer}
            for lead, customer in LINKED.items()
        ]
        journeys = [
            {"_id": f"{tenant}{journey}", "tenantId": tenant, "templateId": template, "status": "active"}
            for journey, template in JOURNEYS.items()
        ]
        await mongo[LEADS].insert_many(leads)
        await mongo["journeys"].insert_many(journeys)
        return recorded

    async def keep(self, collection: str, records: Iterable[Record]) -> None:
        kind: Any = TOUCHPOINT if collection == "touchpoints" else CONVERSION
        documents = []
        for n, record in enumerate(records):
            journey = None if record.journey_id is None else f"{self.tenant}{record.journey_id}"
            added = replace(record, tenant_id=self.tenant, journey_id=journey)
            _, document = self.store.changes.made(kind, f"{self.tenant}{n:04}", [added], cause())
            documents.append(
                {name: each for name, each in document.items() if name not in ("outbox", "outboxAt")}
            )
        if documents:
            await self.store.mongo[collection].insert_many(documents)


def whose(record: Record) -> str | None:
    """The customer, or the lead that is none yet; None for what is nobody's."""
    if record.customer_id is not None:
        return f"c:{record.customer_id}"
    if record.lead_id is None:
        return None
    return f"c:{LINKED[record.lead_id]}" if record.lead_id in LINKED else f"l:{record.lead_id}"


def day(number: float) -> datetime:
    return NOON + timedelta(days=number)
