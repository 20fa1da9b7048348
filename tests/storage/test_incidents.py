"""Incidents in the database: opened once, resolved once, listed from new to old."""

from datetime import timedelta
from typing import Any

import pytest

from domain.errors import NotFound
from domain.incident import IncidentFilter, IncidentKind, IncidentRaised, IncidentStatus
from storage.incidents import incident_id
from storage.store import Store
from tests.domain.samples import NOON
from tests.storage.subjects import all_pages, cause


async def opened(store: Store, tenant: str, n: int = 0, **rest: Any) -> str:
    id = incident_id(tenant, str(n))
    given: dict[str, Any] = {"kind": IncidentKind.HANDOFF, "at": NOON + timedelta(seconds=n // 2)} | rest
    await store.incidents.open(id, IncidentRaised(tenant_id=tenant, reason=f"no line {n}", **given), cause())
    return id


async def test_the_same_thing_is_one_incident_and_its_first_reason_stays(store: Store, tenant: str) -> None:
    id = await opened(store, tenant)
    await store.incidents.open(
        id, IncidentRaised(at=NOON, tenant_id=tenant, kind=IncidentKind.RELAY, reason="again"), cause()
    )
    incident = await store.incidents.get(id, tenant)
    assert (incident.reason, incident.revision) == ("no line 0", 1)


async def test_an_incident_is_resolved_once(store: Store, tenant: str) -> None:
    id = await opened(store, tenant)
    await store.incidents.resolve(id, tenant, "mended", cause())
    changed = await store.incidents.resolve(id, tenant, "again", cause())
    assert (changed.state.status, changed.state.resolution) == (IncidentStatus.RESOLVED, "mended")
    assert changed.state.revision == 2


async def test_where_there_is_none_there_is_nothing_to_resolve(store: Store, tenant: str) -> None:
    await store.incidents.resolve_if_open("inc_unknown", tenant, "mended", cause())
    with pytest.raises(NotFound):
        await store.incidents.resolve("inc_unknown", tenant, "mended", cause())


@pytest.mark.parametrize(("size", "backwards"), [(1, False), (3, True), (100, False)])
@pytest.mark.parametrize(
    "wanted",
    [
        IncidentFilter(),
        IncidentFilter(status=IncidentStatus.OPEN),
        IncidentFilter(kind=IncidentKind.RELAY, status=IncidentStatus.RESOLVED),
        IncidentFilter(journey_id="jrn_1"),
        IncidentFilter(journey_id="jrn_9"),
    ],
)
async def test_a_list_holds_what_its_filter_says_from_new_to_old(
    store: Store, tenant: str, wanted: IncidentFilter, size: int, backwards: bool
) -> None:
    ids = [
        await opened(store, tenant, n, kind=list(IncidentKind)[n % 2], journey_id=f"jrn_{n % 3}")
        for n in range(8)
    ]
    for id in ids[::3]:
        await store.incidents.resolve(id, tenant, "mended", cause())
    all = [await store.incidents.get(id, tenant) for id in ids]
    expected = [
        each
        for each in sorted(all, key=lambda each: (each.created_at, each.id), reverse=True)
        if wanted.status in (None, each.status)
        and wanted.kind in (None, each.kind)
        and wanted.journey_id in (None, each.journey_id)
    ]
    found = await all_pages(
        lambda page: store.incidents.page(tenant, wanted, page), size, backwards=backwards
    )
    assert found == expected
    assert await store.incidents.count(tenant, wanted) == len(expected)


async def test_another_tenants_incident_is_unknown(store: Store, tenant: str) -> None:
    id = await opened(store, tenant)
    with pytest.raises(NotFound):
        await store.incidents.get(id, tenant + "x")
    with pytest.raises(NotFound):
        await store.incidents.resolve(id, tenant + "x", "mended", cause())
    assert await store.incidents.count(tenant + "x", IncidentFilter()) == 0
