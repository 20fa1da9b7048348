"""Webhooks: what they hear of, what they refuse, and when they are switched off."""

from dataclasses import replace
from datetime import timedelta
from functools import reduce
from typing import Any

import pytest

from domain import webhook as domain
from domain.catalogue import own_types
from domain.errors import IllegalTransition, InvalidInput
from domain.webhook import PATIENCE, Webhook, begin, evolve, is_queue, patterns, queue_of
from domain.webhook_events import WebhookCreated, WebhookDisabled, WebhookEvent
from tests.domain.samples import ANNA, NOON, later

GIVEN: dict[str, Any] = {"name": "Warehouse", "address": "https://hooks.example/in?key=1", "types": ["*"]}


def created(**rest: Any) -> list[WebhookEvent]:
    return domain.create(tenant_id="acme", known=own_types(), at=NOON, **GIVEN | rest)


def made(**rest: Any) -> Webhook:
    first, *others = created(**rest)
    return reduce(evolve, others, begin("whk_1", first, ANNA))


def after(webhook: Webhook, events: list[WebhookEvent]) -> Webhook:
    return reduce(evolve, events, webhook)


def paths(error: InvalidInput) -> list[str]:
    return [".".join(each.path) for each in error.problems]


@pytest.mark.parametrize(
    ("types", "type", "wanted"),
    [
        (["*"], "journey:started", True),
        (["*"], "com.example.order", True),
        (["*"], "webhook:disabled", False),
        (["webhook:*"], "webhook:disabled", True),
        (["webhook:disabled"], "webhook:disabled", True),
        (["journey:*"], "journey:started", True),
        (["journey:*"], "journeys:started", False),
        (["journey:*"], "journey", False),
        (["journey:started"], "journey:started", True),
        (["journey:started"], "journey:started:late", False),
        (["crm:a", "journey:started"], "journey:started", True),
        (["com.example.order"], "com.example.order", True),
        (["com.example.order"], "com.example.orders", False),
    ],
)
def test_a_type_is_wanted_by_itself_by_its_area_or_by_all(types: list[str], type: str, wanted: bool) -> None:
    assert made(types=types).wants(type) is wanted


def test_what_an_event_is_found_by_is_three_patterns_at_most() -> None:
    assert patterns("journey:started") == {"journey:started", "journey:*", "*"}
    assert patterns("order") == {"order", "*"}
    assert patterns("webhook:deleted") == {"webhook:deleted", "webhook:*"}


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"address": "ftp://x"}, "address"),
        ({"address": "https://u:p@x"}, "address"),
        ({"address": "https://x/#f"}, "address"),
        ({"address": ""}, "address"),
        ({"types": []}, "types"),
        ({"types": ["crm:x"] * 101}, "types"),
        ({"types": ["crm:x", "crm:x", "*:x"]}, "types.2"),
        ({"types": ["journey:strated"]}, "types.0"),
        ({"types": ["Journey:started"]}, "types.0"),
        ({"types": ["a:b:*"]}, "types.0"),
        ({"types": ["jour*"]}, "types.0"),
        ({"types": [":*"]}, "types.0"),
        ({"types": [""]}, "types.0"),
    ],
)
def test_what_cannot_be_is_refused_with_its_path(wrong: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        created(**wrong)
    assert paths(refused.value) == [path]
    with pytest.raises(InvalidInput) as refused:
        domain.change(made(), known=own_types(), at=NOON, **wrong)
    assert paths(refused.value) == [path]


def test_every_reason_is_told_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        created(name="", address="x", types=["*:", "journey:x"])
    assert paths(refused.value) == ["name", "address", "types.0", "types.1"]


def test_a_type_that_is_given_twice_is_wanted_once() -> None:
    assert made(types=["crm:x", "*", "crm:x"]).types == ("crm:x", "*")


def test_only_what_is_given_changes() -> None:
    webhook = made(description="ours")
    changed = after(webhook, domain.change(webhook, known=own_types(), at=later(hours=1), types=["crm:*"]))
    assert changed == replace(webhook, types=("crm:*",), updated_at=later(hours=1))


def test_another_address_has_not_failed_yet() -> None:
    webhook = replace(made(), failing_since=NOON)
    for address, failing in ((webhook.address, NOON), ("https://other.example", None)):
        changed = after(webhook, domain.change(webhook, known=own_types(), at=NOON, address=address))
        assert changed.failing_since == failing


def test_it_is_created_with_the_secret_that_is_given() -> None:
    assert made().secrets == ()
    webhook = made(secret_id="sec_1")
    assert webhook.signing(NOON) == ["sec_1"]
    overlap = timedelta(hours=1)
    both = after(webhook, domain.rotate_secret(webhook, secret_id="sec_2", overlap=overlap, at=NOON))
    assert both.signing(NOON) == ["sec_2", "sec_1"]
    assert both.signing(NOON + overlap) == ["sec_2"]


def test_events_from_before_it_was_switched_on_are_not_for_it() -> None:
    webhook = made()
    assert webhook.since == NOON
    off = after(webhook, domain.disable(webhook, at=later(hours=1), reason="a move"))
    assert (off.enabled, off.off_because, off.since) == (False, "a move", NOON)
    on = after(off, domain.enable(off, at=later(hours=2)))
    assert (on.enabled, on.off_because, on.since) == (True, None, later(hours=2))


def test_what_has_failed_for_more_than_three_days_is_switched_off() -> None:
    webhook = replace(made(), failing_since=NOON)
    assert domain.give_up(webhook, at=NOON + PATIENCE) == []
    [event] = domain.give_up(webhook, at=NOON + PATIENCE + timedelta(seconds=1))
    assert isinstance(event, WebhookDisabled)
    assert (event.failing_since, event.reason) == (NOON, "Nothing could be delivered for more than 3 days.")
    off = evolve(webhook, event)
    assert not off.enabled
    assert domain.give_up(off, at=later(days=9)) == []
    assert domain.give_up(made(), at=later(days=9)) == []
    assert after(off, domain.enable(off, at=later(days=9))).failing_since is None


def test_an_address_that_is_gone_is_switched_off_at_once() -> None:
    webhook = made()
    off = after(webhook, domain.gone(webhook, at=NOON))
    assert (off.enabled, off.off_because) == (False, "The address answered 410 Gone.")
    assert domain.gone(off, at=NOON) == []


def test_what_does_not_fit_its_state_is_refused() -> None:
    webhook = made(secret_id="sec_1")
    off = after(webhook, domain.disable(webhook, at=NOON))
    gone = after(webhook, domain.delete(webhook, at=NOON))
    assert (gone.enabled, gone.deleted, gone.secrets) == (False, True, ())
    for refused in (
        lambda: domain.enable(webhook, at=NOON),
        lambda: domain.disable(off, at=NOON),
        lambda: domain.enable(gone, at=NOON),
        lambda: domain.disable(gone, at=NOON),
        lambda: domain.delete(gone, at=NOON),
        lambda: domain.change(gone, known=(), at=NOON),
        lambda: domain.rotate_secret(gone, secret_id="x", overlap=timedelta(), at=NOON),
    ):
        with pytest.raises(IllegalTransition):
            refused()


def test_it_begins_with_its_creation() -> None:
    [event] = created()
    assert isinstance(event, WebhookCreated)
    with pytest.raises(TypeError):
        begin("whk_1", WebhookDisabled(at=NOON), ANNA)
    with pytest.raises(AssertionError):
        evolve(made(), event)


def test_its_queue_is_no_packages() -> None:
    assert queue_of("acme", "whk_1").partition("|")[0] == "acme"
    assert is_queue(queue_of("acme", "whk_1"))
    assert not is_queue("acme|webhook")
