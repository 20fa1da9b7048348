"""Children that fail, are abandoned, or are left by the step that started them."""

import pytest

from domain import steer, walk
from domain.incident import IncidentStatus
from domain.journey import Status
from domain.journey_events import JourneyAbandoned, JourneyFailed, StepRetried
from domain.template import Reentry, Settings
from domain.work_events import ChildRequested, WorkWithdrawn
from storage.store import Store
from tests.domain.samples import definition
from tests.storage.subjects import follow
from tests.workers.following import FLOWING, incidents, now, then
from tests.workers.test_children import PARENT, begun, children, complete, fail, nesting, retry
from tests.workers.test_step_work import act

# Failing, and going on


async def test_a_child_that_fails_is_an_incident_and_its_retry_resolves_it(
    living: Store, tenant: str
) -> None:
    parent = await begun(living, tenant)
    [child] = await children(living, parent)
    for _ in range(2):
        await fail(living, child)
        parent = await now(living, parent)
        assert (parent.status, parent.incident) == (Status.ACTIVE, True)
        await retry(living, child)
        assert not (await now(living, parent)).incident
    found = await incidents(living, tenant)
    assert [each.status for each in found] == [IncidentStatus.RESOLVED] * 2
    assert {(each.journey_id, each.step) for each in found} == {(parent.id, "sub")}
    await complete(living, child)
    assert (await now(living, parent)).current_step == "b"


async def test_a_failure_that_is_heard_of_after_the_retry_is_none(quiet: Store, tenant: str) -> None:
    parent = await begun(quiet, tenant)
    await then(quiet, parent.id, ChildRequested)
    [child] = await children(quiet, parent)
    await fail(quiet, child)
    await retry(quiet, child)
    await then(quiet, child.id, JourneyFailed, StepRetried)
    assert not (await now(quiet, parent)).incident


async def test_retrying_the_step_starts_another_child_and_abandons_the_one_that_failed(
    living: Store, tenant: str
) -> None:
    parent = await begun(
        living,
        tenant,
        PARENT,
        definition("x", template_id="child", settings=Settings(reentry=Reentry.ANY_TIME)),
    )
    [child] = await children(living, parent)
    await fail(living, child)
    parent = await retry(living, parent)
    await living.changes.drain()
    first, second = await children(living, parent)
    assert (first.status, second.status) == (Status.ABANDONED, Status.ACTIVE)
    assert second.parent is not None
    assert second.parent.visit == 2
    assert [each.status for each in await incidents(living, tenant)] == [IncidentStatus.RESOLVED]
    await complete(living, second)
    assert (await now(living, parent)).current_step == "b"


async def test_a_child_that_is_abandoned_fails_the_parent(living: Store, tenant: str) -> None:
    parent = await begun(living, tenant)
    [child] = await children(living, parent)
    await act(living, child, lambda j, _, at: steer.abandon(j, reason="moved away", at=at))
    parent = await now(living, parent)
    assert (parent.status, parent.current.reason) == (
        Status.FAILED,
        "its journey was abandoned: moved away",
    )
    assert await incidents(living, tenant) == []


# Leaving


@pytest.mark.parametrize("way", ["advance", "abandon", "fail"])
async def test_leaving_the_step_abandons_the_child_and_its_own_child(
    living: Store, tenant: str, way: str
) -> None:
    await follow(living, tenant, definition("y", template_id="grandchild"))
    parent = await begun(
        living, tenant, PARENT, definition(nesting("grandchild"), template_id="child", settings=FLOWING)
    )
    [child] = await children(living, parent)
    [grandchild] = await children(living, child)
    assert grandchild.level == 2
    commands = {
        "advance": lambda j, d, at: walk.advance(j, d, at=at),
        "abandon": lambda j, _, at: steer.abandon(j, at=at),
        "fail": lambda j, _, at: walk.fail(j, reason="no", at=at),
    }
    left = await act(living, parent, commands[way])
    await living.changes.drain()
    for each in (child, grandchild):
        gone = await now(living, each)
        assert (gone.status, gone.end_reason) == (
            Status.ABANDONED,
            "the journey that it belonged to left its step",
        )
    assert (await now(living, parent)).revision == left.revision, "the end of the child is not heard"


async def test_a_child_that_starts_when_the_step_was_left_is_abandoned(quiet: Store, tenant: str) -> None:
    parent = await begun(quiet, tenant)
    other = await begun(quiet, tenant, definition(nesting(), "b", template_id="second"), None, lead_id="l-2")
    await act(quiet, parent, lambda j, d, at: walk.advance(j, d, at=at))
    await then(quiet, parent.id, WorkWithdrawn, ChildRequested)
    assert await children(quiet, parent) == []
    # Left between the start and the look at the parent behind it: whoever hears of that finds the child.
    await then(quiet, other.id, ChildRequested)
    await act(quiet, other, lambda j, d, at: walk.advance(j, d, at=at))
    await then(quiet, other.id, WorkWithdrawn)
    [child] = await children(quiet, other)
    assert child.status is Status.ABANDONED
    await then(quiet, child.id, JourneyAbandoned)
    assert (await now(quiet, other)).current_step == "b"
