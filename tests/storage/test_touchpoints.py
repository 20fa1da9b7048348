"""Touchpoints and conversions: recorded once, listed from new to old by any of their fields."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import BadCursor, IdempotencyKeyReused, NotFound
from domain.events import Outcome
from domain.paging import Page
from domain.record_events import ConversionAdded, TouchpointAdded
from domain.template import Stage
from domain.touchpoint import RecordFilter, Touchpoint
from domain.values import Money, timestamp
from storage.mongo import Mongo
from storage.store import Store
from tests.domain.samples import ANNA, NOON
from tests.storage.subjects import all_pages, cause

TIMES = [NOON + timedelta(hours=hour) for hour in range(4)]


def contact(tenant: str, **rest: Any) -> TouchpointAdded:
    given: dict[str, Any] = {"kind": "call", "channel": "phone", "source": "crm", "title": ""} | rest
    return TouchpointAdded(at=given.pop("at", NOON), tenant_id=tenant, **given)


async def test_a_contact_is_kept_as_it_was_given(store: Store, tenant: str) -> None:
    event = contact(
        tenant,
        at=datetime(1969, 7, 20, tzinfo=UTC),
        journey_id="jrn_1",
        customer_id="c",
        outcome=Outcome.POSITIVE,
        cost=Money.parse("-0.0001 EUR"),
        duration_seconds=0.125,
        metadata={"a.b": [1, None, {"c": "\x00"}]},
    )
    added = (await store.touchpoints.add(f"tch_{tenant}", event, cause())).state
    assert added == Touchpoint(id=f"tch_{tenant}", tenant_id=tenant, revision=1, added=event, added_by=ANNA)
    assert await store.touchpoints.get(added.id, tenant) == added
    with pytest.raises(NotFound):
        await store.touchpoints.get(added.id, tenant + "x")
    with pytest.raises(NotFound):
        await store.conversions.get(added.id, tenant)


async def test_a_conversion_is_kept_as_it_was_given(store: Store, tenant: str) -> None:
    event = ConversionAdded(
        at=NOON, tenant_id=tenant, kind="upsell", to_stage=Stage.CUSTOMER, value=Money.parse("49.9 EUR")
    )
    added = (await store.conversions.add(f"cnv_{tenant}", event, cause())).state
    assert (await store.conversions.get(added.id, tenant)).added == event


async def test_a_contact_given_again_is_recorded_once(store: Store, tenant: str) -> None:
    for _ in range(2):
        await store.touchpoints.add(f"tch_{tenant}", contact(tenant), cause("k" + tenant))
    assert await store.touchpoints.count(tenant, RecordFilter()) == 1
    history = await store.events.history(f"tch_{tenant}", Page(10))
    assert [each.type for each in history.items] == ["touchpoint:added"]
    with pytest.raises(IdempotencyKeyReused):
        await store.touchpoints.add(f"tch_{tenant}", contact(tenant), cause("k" + tenant, "something else"))


class Records:
    """Contacts of two tenants, several at the same instant."""

    def __init__(self, store: Store, tenant: str) -> None:
        self.store, self.tenant = store, tenant
        self.added: list[Touchpoint] = []

    async def record(self) -> None:
        for owner in (self.tenant, self.tenant + "x"):
            for n in range(24):
                event = contact(
                    owner,
                    at=TIMES[n % 3],
                    journey_id=f"jrn_{n % 2}",
                    customer_id=f"c{n % 3}" if n % 4 else None,
                    lead_id=f"l{n % 5}",
                    kind=("call", "email")[n % 2],
                    channel=("phone", "web", "email")[n % 3],
                    source=("crm", "site")[n // 12],
                    campaign="spring" if n % 5 == 0 else None,
                )
                added = await self.store.touchpoints.add(f"tch_{owner}_{n}", event, cause())
                self.added += [added.state] if owner == self.tenant else []


@pytest.fixture(scope="module")
async def records(mongo: Mongo) -> Any:
    store = Store.of(mongo, lambda: NOON)
    made = Records(store, f"t{uuid4().hex[:12]}")
    await made.record()
    yield made
    await store.changes.drain()


def seldom(*values: object) -> st.SearchStrategy[Any]:
    return st.none() | st.none() | st.sampled_from(values)


filters = st.builds(
    RecordFilter,
    journey_id=seldom("jrn_0", "jrn_1", "jrn_2"),
    customer_id=seldom("c1", "c2"),
    lead_id=seldom("l1", "l2"),
    kind=seldom("call", "email"),
    channel=seldom("phone", "web"),
    source=seldom("crm", "site"),
    campaign=seldom("spring", "autumn"),
    since=seldom(*TIMES),
    until=seldom(*TIMES),
)


def _matches(wanted: RecordFilter, added: TouchpointAdded) -> bool:
    names = ("journey_id", "customer_id", "lead_id", "kind", "channel", "source", "campaign")
    return (
        all(getattr(wanted, name) in (None, getattr(added, name)) for name in names)
        and (wanted.since is None or added.at >= wanted.since)
        and (wanted.until is None or added.at < wanted.until)
    )


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(wanted=filters, size=st.sampled_from((1, 5, 30)), backwards=st.booleans())
async def test_a_list_of_contacts_holds_what_its_filter_says_page_by_page(
    records: Records, wanted: RecordFilter, size: int, backwards: bool
) -> None:
    store, tenant = records.store, records.tenant
    expected = [each for each in records.added if _matches(wanted, each.added)]
    expected.sort(key=lambda each: (timestamp(each.added.at), each.id), reverse=True)
    found = await all_pages(
        lambda page: store.touchpoints.page(tenant, wanted, page), size, backwards=backwards
    )
    assert found == expected
    assert await store.touchpoints.count(tenant, wanted) == len(expected)


async def test_a_cursor_of_another_list_is_refused(store: Store, tenant: str) -> None:
    for key in ("x", "3", "2026-01-31T12:00:00Z|x"):
        with pytest.raises(BadCursor):
            await store.touchpoints.page(tenant, RecordFilter(), Page(5, False, key))
