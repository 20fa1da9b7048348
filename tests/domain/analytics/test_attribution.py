"""Attribution: the rules on one conversion, and the models side by side over many."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analytics import attribution
from domain.analytics.attribution import NO_CONVERSION, NO_TOUCH, Model, Report, Row, compare
from domain.analytics.credit import NOTHING_TO_DIVIDE
from domain.analytics.figure import Figure
from domain.analytics.path import Conversion, Key, Path, Touch, paths
from domain.errors import InvalidInput
from tests.domain.analytics.paths import KEYS, contacts, day, number, path, people, touches

ALONE = [model for model in Model if model is not Model.MARKOV]
PEOPLE = st.lists(people, max_size=4)
Person = tuple[list[Touch], list[Conversion]]


def keyed(keys: str) -> list[Touch]:
    return list(path(keys).touches)


def all_paths(persons: list[Person]) -> list[Path]:
    return [each for contacted, converted in persons for each in paths(contacted, converted)]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (Model.FIRST, {"a": 1, "b": 0, "direct": 0}),
        (Model.LAST, {"a": 0, "b": 0, "direct": 1}),
        (Model.LAST_NON_DIRECT, {"a": 0, "b": 1, "direct": 0}),
        (Model.LINEAR, {"a": 0.5, "b": 0.25, "direct": 0.25}),
        (Model.POSITION_BASED, {"a": 0.5, "b": 0.1, "direct": 0.4}),
        (Model.SHAPLEY, {"a": 1 / 3, "b": 1 / 3, "direct": 1 / 3}),
    ],
)
def test_each_model_divides_a_conversion_in_its_way(model: Model, expected: dict[Key, float]) -> None:
    found = attribution.credits(model, keyed("a>a>b>direct"), day(4))
    assert found == pytest.approx(expected)


def test_time_decay_halves_with_every_half_life() -> None:
    found = attribution.credits(
        Model.TIME_DECAY, touches(0, 5, 12, 30, 38), day(38), timedelta(days=40), timedelta(days=7)
    )
    worth = {key: round(12_000 * part, 2) for key, part in found.items()}
    assert worth == {"0": 175.20, "5": 287.44, "12": 574.88, "30": 3417.04, "38": 7545.45}


def test_a_half_life_that_leaves_nothing_of_the_old_leaves_the_last() -> None:
    found = attribution.credits(Model.TIME_DECAY, touches(0, 1), day(20), half_life=timedelta(microseconds=1))
    assert found == {"0": 0, "1": 1}


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("a", {"a": 1}),
        ("a>b", {"a": 0.5, "b": 0.5}),
        ("a>b>c", {"a": 0.4, "b": 0.2, "c": 0.4}),
        ("a>b>c>d", {"a": 0.4, "b": 0.1, "c": 0.1, "d": 0.4}),
    ],
)
def test_position_gives_the_ends_most(keys: str, expected: dict[Key, float]) -> None:
    assert attribution.credits(Model.POSITION_BASED, keyed(keys), day(9)) == pytest.approx(expected)


def test_where_all_was_direct_the_last_is_credited() -> None:
    assert attribution.credits(Model.LAST_NON_DIRECT, keyed("direct>direct"), day(9)) == {"direct": 1}


def test_direct_is_told_by_the_channel_where_the_key_is_something_else() -> None:
    by_campaign = [Touch(day(1), "spring", "mail"), Touch(day(2), None, "walk-in")]
    found = attribution.credits(Model.LAST_NON_DIRECT, by_campaign, day(3), direct="walk-in")
    assert found == {"spring": 1, None: 0}


def test_contacts_at_the_same_time_count_in_the_order_given() -> None:
    both = [Touch(day(1), "a"), Touch(day(1), "b")]
    assert attribution.credits(Model.FIRST, both, day(1)) == {"a": 1, "b": 0}
    assert attribution.credits(Model.LAST, both[::-1], day(1)) == {"b": 0, "a": 1}


def test_only_the_lookback_counts() -> None:
    found = attribution.credits(Model.LINEAR, touches(0, 0.1, 30, 30.1), day(30))
    assert found == {"0.1": 0.5, "30": 0.5}


@pytest.mark.parametrize("model", ALONE)
def test_without_a_contact_nobody_is_credited(model: Model) -> None:
    assert attribution.credits(model, touches(50), day(49)) == {}


def test_markov_divides_no_conversion_alone() -> None:
    with pytest.raises(ValueError, match="markov"):
        attribution.credits(Model.MARKOV, keyed("a"), day(1))


def test_lengths_of_time_must_be_longer_than_nothing() -> None:
    with pytest.raises(InvalidInput):
        attribution.credits(Model.LINEAR, [], day(1), lookback=timedelta())
    with pytest.raises(InvalidInput):
        attribution.credits(Model.LINEAR, [], day(1), half_life=timedelta())
    with pytest.raises(InvalidInput):
        compare([], half_life=timedelta(days=-1))


@given(st.sampled_from(ALONE), st.lists(contacts, min_size=1, max_size=12))
def test_the_credits_of_one_conversion_add_up_to_one(model: Model, contacted: list[Touch]) -> None:
    found = attribution.credits(model, contacted, day(61), timedelta(days=62))
    assert sum(found.values()) == pytest.approx(1)
    assert found.keys() == {touch.key for touch in contacted}
    assert min(found.values()) >= 0


@given(PEOPLE)
def test_every_model_divides_the_same_conversions_and_no_value_is_lost(persons: list[Person]) -> None:
    report = compare(all_paths(persons))
    assert report.conversions == sum(len(converted) for _, converted in persons)
    assert report.value == sum(each.value for _, converted in persons for each in converted)
    assert (report.unattributed_reason == NO_TOUCH) is (report.unattributed > 0)
    assert report.value >= report.unattributed_value
    divided = report.conversions - report.unattributed
    if not divided:
        check_nothing(report)
        return
    for model in Model:
        credits = [row.credits[model] for row in report.rows]
        assert sum(map(number, credits)) == pytest.approx(divided)
        value = report.value - report.unattributed_value
        assert sum(number(each, "value") for each in credits) == pytest.approx(value)
        assert sum(number(each, "share") for each in credits) == pytest.approx(1)
        assert all((each.removal_effect is not None) is (model is Model.MARKOV) for each in credits)


def check_nothing(report: Report) -> None:
    for row in report.rows:
        for model, credit in row.credits.items():
            figures = (credit.conversions, credit.value, credit.share)
            assert [each.reason for each in figures] == [NOTHING_TO_DIVIDE] * 3
            assert (credit.removal_effect == Figure(reason=NOTHING_TO_DIVIDE)) is (model is Model.MARKOV)


@given(PEOPLE, st.permutations([key for key in KEYS if key != "direct"]))
def test_other_names_give_the_same_credits(persons: list[Person], names: list[Key]) -> None:
    other = {"direct": "direct"} | dict(zip([key for key in KEYS if key != "direct"], names, strict=True))
    renamed = [
        ([Touch(touch.at, other[touch.key], touch.channel) for touch in contacted], converted)
        for contacted, converted in persons
    ]

    def by_key(report: Report) -> dict[Key, Row]:
        return {row.key: row for row in report.rows}

    before, after = by_key(compare(all_paths(persons))), by_key(compare(all_paths(renamed)))
    assert after == {other[key]: Row(other[key], row.conversions, row.credits) for key, row in before.items()}


def test_models_stand_side_by_side() -> None:
    won = [path("ga", value=100), path("ga", value=100), path("mail", value=50), path("ga>mail", value=30)]
    report = compare([*won, path("ga"), path("", value=7)])
    assert [row.key for row in report.rows] == ["ga", "mail"]
    assert [row.conversions for row in report.rows] == [3, 2]
    found = {model: [number(row.credits[model]) for row in report.rows] for model in Model}
    assert found[Model.FIRST] == [3, 1]
    assert found[Model.LAST] == [2, 2]
    assert found[Model.LINEAR] == found[Model.SHAPLEY] == [2.5, 1.5]
    assert found[Model.MARKOV] == pytest.approx([2.4, 1.6])
    assert (report.conversions, report.value) == (5, 287)
    assert (report.unattributed, report.unattributed_value) == (1, 7)
    assert report.attributed == Figure(0.8)
    assert number(report.rows[1].credits[Model.LAST], "value") == 80


def test_a_report_can_be_of_one_model() -> None:
    (row,) = compare([path("a>a", value=5)], [Model.LAST]).rows
    assert list(row.credits) == [Model.LAST]
    assert row.conversions == 1


def test_contacts_without_a_campaign_have_a_row_at_the_end() -> None:
    none, spring = Touch(day(0), None, "mail"), Touch(day(1), "spring", "mail")
    report = compare([Path((none, spring), Conversion(day(1), 10))])
    assert [row.key for row in report.rows] == ["spring", None]


def test_a_tenant_without_anything_has_no_figures_and_no_error() -> None:
    assert compare([]) == Report((), 0, 0, Figure(reason=NO_CONVERSION), 0, 0, None)


def test_conversions_without_a_contact_are_counted_and_credited_to_nobody() -> None:
    report = compare([path("", value=20), path("a>b")])
    assert (report.unattributed, report.unattributed_value) == (1, 20)
    assert report.unattributed_reason == NO_TOUCH
    assert report.attributed == Figure(0)
    assert [row.key for row in report.rows] == ["a", "b"]
    check_nothing(report)
