"""What a funnel may ask, and the ready-made ones."""

from datetime import timedelta

import pytest

from domain.analytics.funnel_question import (
    MOST_CONDITIONS,
    MOST_STEPS,
    NAMED,
    EventOccurred,
    FunnelQuestion,
    Happening,
    NamedFunnel,
    Outcome,
    Pick,
    StageEntered,
    StepEntered,
)
from domain.condition import Condition, Operator
from domain.errors import InvalidInput
from domain.isp.templates import ISP_TEMPLATES
from domain.template import Stage

LEAD = StageEntered(Stage.LEAD)
MANY = (Condition("data.x", Operator.EXISTS),) * (MOST_CONDITIONS + 1)


@pytest.mark.parametrize(
    ("steps", "exclusions", "window", "path"),
    [
        ((), (), None, ("steps",)),
        ((LEAD,) * (MOST_STEPS + 1), (), None, ("steps",)),
        ((LEAD,), (LEAD,) * (MOST_STEPS + 1), None, ("exclusions",)),
        ((LEAD, EventOccurred("a:b", MANY)), (), None, ("steps", "1", "conditions")),
        ((LEAD,), (EventOccurred("a:b", MANY),), None, ("exclusions", "0", "conditions")),
        ((LEAD,), (), timedelta(), ("window",)),
    ],
)
def test_what_is_no_funnel_is_refused(
    steps: tuple[Happening, ...],
    exclusions: tuple[Happening, ...],
    window: timedelta | None,
    path: tuple[str, ...],
) -> None:
    with pytest.raises(InvalidInput) as refused:
        FunnelQuestion(steps=steps, exclusions=exclusions, window=window)
    assert [each.path for each in refused.value.problems] == [path]


def test_every_reason_is_told() -> None:
    with pytest.raises(InvalidInput) as refused:
        FunnelQuestion(steps=(), window=timedelta(-1))
    assert [each.path for each in refused.value.problems] == [("steps",), ("window",)]


@pytest.mark.parametrize("name", NamedFunnel)
def test_a_ready_made_funnel_is_one_whose_steps_there_are(name: NamedFunnel) -> None:
    question = FunnelQuestion(steps=NAMED[name])
    known = {(each.template_id, step.id) for each in ISP_TEMPLATES for step in each.steps}
    for each in question.steps:
        assert isinstance(each, StageEntered) or (
            isinstance(each, StepEntered) and (each.template_id, each.step) in known
        )


@pytest.mark.parametrize(
    ("outcome", "reached", "dropped", "excluded", "holds"),
    [
        (Outcome.REACHED, 2, False, False, True),
        (Outcome.REACHED, 3, False, False, True),
        (Outcome.REACHED, 1, True, False, False),
        (Outcome.DROPPED, 2, True, False, True),
        (Outcome.DROPPED, 2, True, True, True),
        (Outcome.DROPPED, 3, True, False, False),
        (Outcome.EXCLUDED, 2, True, False, False),
        (Outcome.EXCLUDED, 2, True, True, True),
        (Outcome.PENDING, 2, False, False, True),
        (Outcome.PENDING, 2, True, False, False),
    ],
)
def test_a_figure_is_of_the_units_that_did_just_so(
    outcome: Outcome, reached: int, dropped: bool, excluded: bool, holds: bool
) -> None:
    pick = Pick(2, outcome)
    assert pick.holds(reached, steps=4, dropped=dropped, excluded=excluded, row=None) is holds
    other = Pick(2, outcome, rows=("a",))
    assert not other.holds(reached, steps=4, dropped=dropped, excluded=excluded, row=None)


def test_nobody_is_pending_at_the_last_step() -> None:
    assert not Pick(2, Outcome.PENDING).holds(2, steps=2, dropped=False, excluded=False, row=None)
