"""Whatever is done to whatever handoff, in whatever order: what holds all the same."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import attempting, deciding, handing
from domain.approval import ApprovalPolicy, WhenDue
from domain.attempting import Answer
from domain.errors import DomainError
from domain.events import HandoffStatus
from domain.handoff import Handoff
from domain.handoff_events import HandoffCreated, HandoffEvent, HandoffType, LateResult
from domain.handoff_fold import evolve
from domain.limits import Limits
from domain.values import JsonObject
from storage.codec import dump
from storage.handoffs import HANDOFF
from tests.domain.handed import CRM, LEASE, asked, folded, person
from tests.domain.samples import ANNA, NOON

S = HandoffStatus
LEGAL = {
    S.PENDING: set(S) - {S.PENDING},
    S.IN_PROGRESS: {S.COMPLETED, S.FAILED, S.CANCELLED},
    S.FAILED: {S.PENDING, S.IN_PROGRESS},  # a person's retry
    S.COMPLETED: set(),
    S.REJECTED: set(),
    S.EXPIRED: set(),
    S.CANCELLED: set(),
}


@dataclass(frozen=True)
class Move:
    name: str
    command: Callable[[Handoff, datetime], list[HandoffEvent]]
    wait: timedelta

    def __repr__(self) -> str:
        return f"{self.name} after {self.wait}"


_people = st.sampled_from("abc").map(person)
_workers = st.sampled_from(("w1", "w2"))
_data: st.SearchStrategy[JsonObject] = st.dictionaries(
    st.sampled_from(("leadId", "x")), st.sampled_from((None, "l-2", 1)), max_size=2
)
_answers = st.builds(
    Answer,
    status=st.sampled_from((200, 202, 202, 404, 429, 500, None)),
    body=st.sampled_from((None, "text", {"x": 1})),
    retry_after=st.none() | st.floats(0, 500),
    timed_out=st.booleans(),
    error=st.none() | st.just("no answer"),
)
_COMMANDS: dict[str, st.SearchStrategy[Callable[[Handoff, datetime], list[HandoffEvent]]]] = {
    "claim": _workers.map(lambda w: lambda h, at: attempting.claim(h, name=w, lease=LEASE, at=at)),
    "answer": st.builds(
        lambda answer, w, part: lambda h, at: attempting.answered(h, answer, name=w, jitter=part, at=at),
        _answers,
        _workers,
        st.floats(0, 1),
    ),
    "come due": st.just(lambda h, at: deciding.come_due(h, at=at) or attempting.come_due(h, at=at)),
    "approve": _people.map(lambda who: lambda h, at: deciding.approve(h, who, at=at)),
    "reject": _people.map(lambda who: lambda h, at: deciding.reject(h, who, at=at)),
    "delegate": st.builds(
        lambda who, to: lambda h, at: deciding.delegate(h, who, to=to, at=at),
        _people,
        st.sampled_from("abcd"),
    ),
    "process": st.just(lambda h, at: handing.process(h, by=ANNA, at=at)),
    "complete": st.just(lambda h, at: handing.complete(h, output={"ok": True}, at=at)),
    "fail": st.just(lambda h, at: handing.fail(h, reason="no line", at=at)),
    "cancel": st.just(lambda h, at: handing.cancel(h, at=at)),
    "reassign": st.just(lambda h, at: handing.reassign(h, user="ben", at=at)),
    "change data": _data.map(lambda d: lambda h, at: handing.change_data(h, changes=d, at=at, package=CRM)),
    "retry": st.builds(
        lambda data, reason: lambda h, at: handing.retry(h, CRM, changes=data, reason=reason, at=at),
        st.none() | _data,
        st.none() | st.just("mended"),
    ),
}
# What ends a handoff comes seldom, so that handoffs get somewhere.
_OFTEN = (*_COMMANDS, *("claim", "answer") * 5, *("approve", "retry") * 2)


@st.composite
def moves(draw: st.DrawFn) -> Move:
    name = draw(st.sampled_from(_OFTEN))
    wait = timedelta(milliseconds=draw(st.sampled_from((0, 1, 1000, 15_000, 60_000, 600_000))))
    return Move(name, draw(_COMMANDS[name]), wait)


policies = st.builds(
    ApprovalPolicy,
    quorum=st.integers(1, 3),
    due=st.just(timedelta(minutes=10)),
    when_due=st.sampled_from(WhenDue),
    escalate_to=st.just("manager"),
)


@st.composite
def beginnings(draw: st.DrawFn) -> HandoffCreated:
    kind = draw(st.sampled_from(HandoffType))
    acts = kind is not HandoffType.MANUAL and draw(st.booleans())
    return asked(
        kind,
        action="convert" if acts or kind is HandoffType.AUTOMATIC else None,
        data=draw(st.sampled_from(({"leadId": "l-1"}, {"leadId": "l-1"}, {}))),
        policy=draw(policies) if kind is HandoffType.APPROVAL_REQUIRED else None,
        due_at=NOON + timedelta(hours=1) if kind is HandoffType.MANUAL and draw(st.booleans()) else None,
        requester=draw(st.none() | st.just(person("a").actor)),
        limits=Limits(
            attempts=draw(st.integers(1, 10)), answer_time=draw(st.none() | st.just(timedelta(minutes=5)))
        ),
    )


@settings(max_examples=300, deadline=None)
@given(beginnings(), st.lists(moves(), min_size=8, max_size=40))
def test_no_sequence_of_commands_breaks_a_law(created: HandoffCreated, tried: list[Move]) -> None:
    history = handing.create("hof_1", created, CRM, by=ANNA, strict=False)
    handoff, at = folded(history), NOON
    check(handoff)
    for move in tried:
        at += move.wait
        before = deepcopy(handoff)
        try:
            events = move.command(handoff, at)
        except DomainError:
            continue
        finally:
            assert handoff == before, "a command changes nothing by itself"
        note(f"{move.name} of {before.type}, {before.status}")
        for event in events:
            was, handoff = handoff, evolve(handoff, event)
            assert handoff.status is was.status or handoff.status in LEGAL[was.status]
            if isinstance(event, LateResult):
                assert replace(handoff, last_activity=was.last_activity) == was
        check(handoff)
        history += events
    assert folded(history) == handoff, "the same events lead to the same handoff"


def check(handoff: Handoff) -> None:
    """A handoff between two commands."""
    check_clock(handoff)
    check_attempts(handoff)
    assert (handoff.ended_at is None) is handoff.status.open
    assert (handoff.failure is not None) is (handoff.status is S.FAILED)
    assert bool(handoff.audience) is handoff.awaits_decision
    if handoff.awaits_decision:
        assert handoff.approval is not None
        assert handoff.approval.missing > 0
        assert not handoff.executes
    stored = dump(handoff)
    stored["_id"] = stored.pop("id")
    assert HANDOFF.read(stored) == handoff


def check_clock(handoff: Handoff) -> None:
    assert handoff.lease_until is None or handoff.next_attempt_at is None
    assert (handoff.claim is None) is (handoff.lease_until is None)
    assert handoff.executes <= handoff.status.open
    if not handoff.status.open:
        assert (handoff.due_at, handoff.wake_at, handoff.queue) == (None, None, None)
    assert (handoff.queue is None) is (handoff.wake_at is None)
    if handoff.queue is not None:
        assert handoff.queue == ("t|crm" if handoff.executes else "t|")
    keys, facets = HANDOFF.keys(handoff), handoff.facets
    assert (keys["wakeAt"], keys["queue"]) == (handoff.wake_at, handoff.queue)
    assert facets["queue"] == (handoff.queue if handoff.executes else None)


def check_attempts(handoff: Handoff) -> None:
    running = [each for each in handoff.attempts if each.ended_at is None]
    assert len(running) == (handoff.lease_until is not None)
    assert handoff.tried <= handoff.limits.attempts
    places = [(each.round, each.number) for each in handoff.attempts]
    assert all(one < other for one, other in pairwise(places))
    assert all(round <= handoff.round for round, _ in places)
