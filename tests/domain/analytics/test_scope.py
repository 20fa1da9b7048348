"""A range, and what of it is kept."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.analytics.scope import Scope
from domain.errors import NotKept

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
HORIZON = NOW - timedelta(days=30)
INSTANT = timedelta(milliseconds=1)


def scope(since: datetime | None = None, until: datetime | None = None) -> Scope:
    return Scope(tenant_id="t", now=NOW, since=since, until=until)


def test_a_range_begins_at_the_horizon_at_the_earliest() -> None:
    for since in (None, HORIZON - INSTANT, HORIZON):
        assert scope(since, HORIZON + INSTANT).kept(HORIZON) == scope(HORIZON, HORIZON + INSTANT)
        assert scope(since).kept(HORIZON) == scope(HORIZON)
    assert scope(HORIZON + INSTANT).kept(HORIZON) == scope(HORIZON + INSTANT)
    assert scope().kept(None) == scope()


def test_a_range_that_ends_at_the_horizon_is_not_kept() -> None:
    for since in (None, HORIZON - INSTANT):
        with pytest.raises(NotKept, match="2026-03-01T12:00"):
            scope(since, HORIZON).kept(HORIZON)
