"""Calendars in the database: one for each tenant, made with the first change."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from domain.analytics.periods import Weekday
from domain.calendar import CalendarChanged, set_calendar
from domain.errors import Conflict, IdempotencyKeyReused, InvalidInput
from storage.calendars import Command, calendar_id
from storage.store import Store
from tests.domain.samples import ANNA
from tests.storage.subjects import cause

VIENNA = "Europe/Vienna"


def setting(**given: Any) -> Command:
    def command(calendar: Any, at: Any) -> list[CalendarChanged]:
        return set_calendar(calendar, at=at, **given)

    return command


async def test_a_tenant_that_set_nothing_has_the_calendar_of_utc(store: Store, tenant: str) -> None:
    found = await store.calendars.get(tenant)
    assert (found.id, found.tenant_id, found.revision) == (calendar_id(tenant), tenant, 0)
    assert (found.time_zone, found.week_start) == ("UTC", Weekday.MONDAY)
    asked = setting(time_zone="UTC", week_start=Weekday.MONDAY)
    assert (await store.calendars.change(tenant, asked, cause())).state == found
    assert await store.events.revisions(found.id, 0, 9) == []


async def test_what_is_set_is_read_again_and_in_the_log(store: Store, tenant: str) -> None:
    asked = setting(time_zone=VIENNA, week_start=Weekday.SATURDAY)
    changed = await store.calendars.change(tenant, asked, cause(), expected=0)
    assert changed.settled
    found = await store.calendars.get(tenant)
    assert found == changed.state
    assert (found.revision, found.time_zone, found.week_start) == (1, VIENNA, Weekday.SATURDAY)
    assert found.updated_by == ANNA
    [[event]] = await store.events.revisions(found.id, 0, 9)
    assert (event.type, event.actor, event.tenant_id) == ("calendar:changed", ANNA, tenant)
    assert event.data == {"tenantId": tenant, "timeZone": VIENNA, "weekStart": "saturday"}


async def test_another_tenant_has_its_own(store: Store, tenant: str) -> None:
    await store.calendars.change(tenant, setting(time_zone=VIENNA), cause())
    await store.calendars.change(f"{tenant}b", setting(week_start=Weekday.SUNDAY), cause())
    mine, other = [await store.calendars.get(each) for each in (tenant, f"{tenant}b")]
    assert (mine.time_zone, mine.week_start) == (VIENNA, Weekday.MONDAY)
    assert (other.time_zone, other.week_start) == ("UTC", Weekday.SUNDAY)


async def test_two_who_set_the_first_one_at_once_both_hold(another: Callable[[], Store], tenant: str) -> None:
    given: list[dict[str, Any]] = [{"time_zone": VIENNA}, {"week_start": Weekday.SUNDAY}]
    await asyncio.gather(*(another().calendars.change(tenant, setting(**each), cause()) for each in given))
    found = await another().calendars.get(tenant)
    assert (found.revision, found.time_zone, found.week_start) == (2, VIENNA, Weekday.SUNDAY)


async def test_an_old_revision_and_a_zone_that_is_none_change_nothing(store: Store, tenant: str) -> None:
    change = partial(store.calendars.change, tenant)
    with pytest.raises(Conflict):
        await change(setting(time_zone=VIENNA), cause(), expected=1)
    with pytest.raises(InvalidInput):
        await change(setting(time_zone="Mars/Base"), cause())
    assert (await store.calendars.get(tenant)).revision == 0
    await change(setting(time_zone=VIENNA), cause())
    with pytest.raises(Conflict):
        await change(setting(time_zone="Europe/Rome"), cause(), expected=0)
    with pytest.raises(InvalidInput):
        await change(setting(time_zone="Mars/Base"), cause(), expected=1)
    found = await store.calendars.get(tenant)
    assert (found.revision, found.time_zone) == (1, VIENNA)


async def test_given_again_under_its_key_it_is_set_once(store: Store, tenant: str) -> None:
    key, rome = f"{tenant}-key", setting(time_zone="Europe/Rome")
    await store.calendars.change(tenant, setting(time_zone=VIENNA), cause(key, "vienna"))
    await store.calendars.change(tenant, rome, cause())
    again = await store.calendars.change(tenant, setting(time_zone=VIENNA), cause(key, "vienna"))
    assert (again.state.revision, again.state.time_zone) == (2, "Europe/Rome")
    with pytest.raises(IdempotencyKeyReused):
        await store.calendars.change(tenant, rome, cause(key, "rome"))
