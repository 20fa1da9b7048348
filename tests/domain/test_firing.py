"""What came of a trigger and an event."""

import pytest

from domain import firing as fold
from domain.errors import IllegalTransition
from domain.firing import Firing, FiringStatus, TriggerFired, TriggerFiredAgain
from tests.domain.samples import ANNA, NOON, later

S = FiringStatus


def fired(status: FiringStatus, reason: str | None = None, result: str | None = None) -> Firing:
    event = TriggerFired(
        at=NOON,
        tenant_id="t",
        trigger_id="trg_1",
        event_id="evt_1:1:0",
        status=status,
        result=result,
        reason=reason,
    )
    return fold.begin("fir_1", event, ANNA)


def test_a_firing_knows_its_trigger_its_event_and_what_came_of_it() -> None:
    firing = fired(S.FIRED, result="jrn_1")
    assert (firing.trigger_id, firing.event_id, firing.status) == ("trg_1", "evt_1:1:0", S.FIRED)
    assert (firing.result, firing.reason, firing.tries) == ("jrn_1", None, 1)
    assert firing.created_at == firing.updated_at == NOON


def test_one_that_failed_is_done_again_and_keeps_when_it_fired_first() -> None:
    again = TriggerFiredAgain(at=later(hours=1), status=S.FIRED, result="jrn_1")
    firing = fold.evolve(fired(S.FAILED, "no such template"), again)
    assert (firing.status, firing.result, firing.reason, firing.tries) == (S.FIRED, "jrn_1", None, 2)
    assert (firing.created_at, firing.updated_at) == (NOON, later(hours=1))


@pytest.mark.parametrize("status", [S.FIRED, S.SKIPPED])
def test_what_was_done_or_had_nothing_to_do_is_not_done_again(status: FiringStatus) -> None:
    with pytest.raises(IllegalTransition):
        fold.require_failed(fired(status))
    fold.require_failed(fired(S.FAILED))


def test_a_firing_begins_once() -> None:
    again = TriggerFiredAgain(at=NOON, status=S.FIRED)
    with pytest.raises(TypeError):
        fold.begin("fir_1", again, ANNA)
