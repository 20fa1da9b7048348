"""Packages: what they can be asked, where, signed with what, and when they rest."""

from dataclasses import replace
from datetime import timedelta
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import package as domain
from domain.errors import IllegalTransition, InvalidInput
from domain.handing import problems_of
from domain.handoff_fold import begin
from domain.isp.packages import ISP_PACKAGES
from domain.limits import Limits
from domain.package import Action, Package, PackageAdded, evolve
from domain.secret import MAX_SECRETS
from domain.values import JsonObject
from tests.domain.handed import CRM, asked
from tests.domain.samples import ANNA, NOON, later

WEEK = timedelta(days=7)


def configured(package: Package = CRM, **rest: Any) -> Package:
    return reduce(evolve, domain.configure(package, at=NOON, **rest), package)


def missing(package: Package, action: str, data: JsonObject, *required: str) -> list[str]:
    """What is in the way of a handoff with this data: where each problem lies."""
    handoff = begin("hof_1", asked(action=action, data=data, required_data=required), ANNA)
    return [".".join(problem.path) for problem in problems_of(handoff, package)]


def rotated(package: Package, id: str, at: Any = NOON, overlap: timedelta = WEEK) -> Package:
    return reduce(evolve, domain.rotate_secret(secret_id=id, overlap=overlap, at=at), package)


def test_partners_are_tried_three_times_within_the_promised_limits_by_default() -> None:
    assert CRM.limits == Limits(
        attempts=3, attempt_time=timedelta(seconds=30), total_time=timedelta(minutes=5), answer_time=None
    )


def test_only_what_is_given_changes_and_an_action_replaces_the_one_of_its_name() -> None:
    new, other = Action(name="convert", path="/convert"), Action(name="score", path="/score")
    package = configured(actions=(new, other))
    assert (package.actions, package.address) == ((new, other), CRM.address)
    assert configured(package, description="ours").actions == (new, other)
    assert configured(package, address="").address is None


@pytest.mark.parametrize(
    "wrong",
    [
        *({"actions": (Action(name=name, path="/x"),)} for name in ("", "A b", "../x")),
        *(
            {"actions": (Action(name="x", path=path),)}
            for path in ("x", "//x", "/a/../b", "/a?b=c", "/a#b", "/a b", "/{", "/{}", "/{a", "/{{a}}")
        ),
        {"limits": Limits(attempts=0)},
        {"limits": Limits(attempts=11)},
        {"limits": Limits(attempt_time=timedelta(0))},
        {"limits": Limits(total_time=timedelta(days=2))},
        {"limits": Limits(answer_time=timedelta(0))},
        {"actions": tuple(Action(name=f"a{n}", path="/x") for n in range(101))},
        {"address": "ftp://crm.example"},
        {"address": "https://user:secret@crm.example"},
    ],
)
def test_a_package_that_could_not_be_called_as_it_is_meant_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        domain.configure(CRM, at=NOON, **wrong)


# What an action needs


def test_an_action_needs_its_own_data_that_of_its_path_and_what_was_asked_for() -> None:
    action = Action(name="move", path="/customers/{customerId}/move", required_data=("address.street",))
    package = configured(actions=(action,))
    assert set(missing(package, "move", {}, "date")) == {
        "data.customerId",
        "data.address.street",
        "data.date",
    }
    data: JsonObject = {"customerId": "c", "address": {"street": "Rue 1"}, "date": "today"}
    assert missing(package, "move", data, "date") == []


def test_a_package_without_an_address_and_an_action_it_does_not_have_are_problems() -> None:
    assert missing(CRM, "dance", {}) == ["action"]
    silent = replace(CRM, address=None)
    assert missing(silent, "convert", {"leadId": 1}) == ["toPackage"]


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_what_would_lead_elsewhere_is_no_part_of_a_path(value: str) -> None:
    assert missing(CRM, "convert", {"leadId": value}) == ["data.leadId"]


@given(st.text(min_size=1) | st.integers())
def test_whatever_the_data_is_the_call_goes_to_its_place_below_the_address(value: str | int) -> None:
    action = CRM.actions[0]
    if missing(CRM, action.name, {"leadId": value}):
        return
    scheme, _, host, leads, place, convert = CRM.url(action, {"leadId": value}).split("/")
    assert (scheme, host, leads, convert) == ("https:", "crm.example", "leads", "convert")
    assert place not in ("", ".", "..")
    assert not set("?#\\ ") & set(place)


# Secrets


def test_a_new_secret_signs_first_and_the_older_one_until_the_overlap_is_over() -> None:
    package = rotated(rotated(CRM, "one"), "two", later(days=1))
    assert package.signing(later(days=1)) == ["two", "one"]
    assert package.signing(later(days=8) - timedelta(milliseconds=1)) == ["two", "one"]
    assert package.signing(later(days=8)) == ["two"]


def test_without_an_overlap_the_older_secrets_sign_no_more() -> None:
    package = rotated(rotated(CRM, "one"), "two", overlap=timedelta(0))
    assert [each.id for each in package.secrets] == ["two"]


def test_a_later_rotation_never_lets_an_older_secret_live_longer() -> None:
    package = rotated(rotated(CRM, "one"), "two", overlap=timedelta(hours=1))
    package = rotated(package, "three", overlap=WEEK)
    assert package.signing(later(hours=2)) == ["three", "two"]


@given(st.lists(st.integers(0, 30 * 24), max_size=8))
def test_there_is_always_a_secret_that_signs_and_never_more_than_a_few(overlaps: list[int]) -> None:
    package = rotated(CRM, "first")
    for n, hours in enumerate(overlaps):
        package = rotated(package, str(n), later(hours=n), timedelta(hours=hours))
    signing = package.signing(later(hours=len(overlaps)))
    assert 1 <= len(signing) <= MAX_SECRETS
    assert signing[0] == (str(len(overlaps) - 1) if overlaps else "first")


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=31)])
def test_an_overlap_is_neither_negative_nor_longer_than_a_month(overlap: timedelta) -> None:
    with pytest.raises(InvalidInput):
        domain.rotate_secret(secret_id="x", overlap=overlap, at=NOON)


# On and off


def test_a_package_is_switched_off_and_on_and_not_twice() -> None:
    with pytest.raises(IllegalTransition):
        domain.enable(CRM, at=NOON)
    off = reduce(evolve, domain.disable(CRM, at=NOON), CRM)
    assert not off.enabled
    with pytest.raises(IllegalTransition):
        domain.disable(off, at=NOON)
    assert reduce(evolve, domain.enable(off, at=NOON), off).enabled


# The built-in ones


@pytest.mark.parametrize("name", list(ISP_PACKAGES))
def test_the_built_in_packages_keep_the_rules_of_every_package(name: str) -> None:
    description, actions = ISP_PACKAGES[name]
    added = PackageAdded(at=NOON, tenant_id="t", name=name, description=description, actions=actions)
    package = domain.begin("pkg_1", added, ANNA)
    assert package.address is None
    assert configured(package, address="https://partner.example").actions == actions
