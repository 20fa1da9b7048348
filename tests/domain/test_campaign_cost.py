"""Costs of campaigns as subjects: set, set anew, removed."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from domain.analytics.cost import CampaignCost
from domain.campaign_cost import CampaignCostRemoved, Spending, begin, evolve, remove, set_again, set_cost
from domain.errors import IllegalTransition, InvalidInput
from domain.values import Money
from tests.domain.samples import ANNA, NOON

MARCH = CampaignCost(
    campaign="spring", since=date(2026, 3, 1), until=date(2026, 4, 1), amount=Money.parse("310 EUR")
)
LATER = NOON + timedelta(hours=1)


def spending(cost: CampaignCost = MARCH) -> Spending:
    return begin("cst_1", set_cost("t", cost, at=NOON, by=ANNA), ANNA)


def test_what_is_set_is_what_was_said() -> None:
    known = spending()
    assert (known.cost, known.removed, known.created_at, known.updated_by) == (MARCH, False, NOON, ANNA)


def test_another_amount_replaces_the_first() -> None:
    more = replace(MARCH, amount=Money.parse("400 EUR"))
    [event] = set_again(spending(), set_cost("t", more, at=LATER, by=ANNA))
    known = evolve(spending(), event)
    assert (known.cost, known.created_at, known.updated_at) == (more, NOON, LATER)


def test_the_same_again_is_nothing() -> None:
    assert set_again(spending(), set_cost("t", MARCH, at=LATER, by=ANNA)) == []


def test_what_was_removed_can_be_set_again_and_not_be_removed_again() -> None:
    [event] = remove(spending(), at=LATER, by=ANNA)
    assert event == CampaignCostRemoved(at=LATER, by=ANNA)
    gone = evolve(spending(), event)
    assert gone.removed
    with pytest.raises(IllegalTransition):
        remove(gone, at=LATER, by=ANNA)
    [back] = set_again(gone, set_cost("t", MARCH, at=LATER, by=ANNA))
    assert not evolve(gone, back).removed


def test_a_name_of_blanks_is_refused_and_an_empty_one_is_none() -> None:
    with pytest.raises(InvalidInput) as refused:
        set_cost("t", replace(MARCH, channel="  "), at=NOON, by=ANNA)
    assert [each.path for each in refused.value.problems] == [("channel",)]
    assert set_cost("t", replace(MARCH, channel=""), at=NOON, by=ANNA).channel is None
