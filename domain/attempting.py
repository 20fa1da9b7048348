"""Attempting: a worker calls the partner, and what the answer means.

An attempt is claimed under a name of its own and holds a lease; whoever finds a lease that has run out counts that
attempt as lost and goes on. What comes back to a worker that has lost it is kept, and changes nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.events import HandoffStatus
from domain.handoff import Handoff
from domain.handoff_events import (
    AttemptEnded,
    AttemptOutcome,
    AttemptStarted,
    FailureCode,
    HandoffCompleted,
    HandoffEvent,
    HandoffFailed,
    HandoffType,
    LateResult,
)
from domain.handoff_fold import evolve
from domain.limits import LONGEST_ROUND
from domain.values import Json

FIRST_DELAY: Final = 1.0  # seconds before the first retry, at most; doubled for each one more
LONGEST_DELAY: Final = 100.0
TRIED_AGAIN: Final = (408, 425, 429)
MAX_ERROR: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a call: an HTTP status with its body, or none and why."""

    status: int | None = None
    body: Json = None
    retry_after: float | None = None  # seconds
    error: str | None = None
    timed_out: bool = False


def claim(handoff: Handoff, *, name: str, lease: timedelta, at: datetime) -> list[HandoffEvent]:
    """Begin an attempt, where one is due and nobody else is at it. Nothing otherwise.

    While it lay waiting for a worker, a partner that is left alone or a package that is switched off, its time did
    not run: the deadline moves by that.
    """
    events: list[HandoffEvent] = []
    since = handoff.lease_until or handoff.next_attempt_at
    if since is None or since > at:
        return []
    if handoff.deadline is not None:
        handoff = replace(handoff, deadline=handoff.deadline + (at - since))
    if handoff.lease_until is not None:
        events = _unsuccessful(handoff, AttemptOutcome.LOST, at, delay=0.0, error="the worker was lost")
        for event in events:
            handoff = evolve(handoff, event)
    if not handoff.status.open:
        return events
    started = AttemptStarted(
        at=at,
        round=handoff.round,
        attempt=handoff.tried + 1,
        claim=name,
        lease_until=at + lease,
        deadline=handoff.deadline or at + handoff.limits.total_time,
    )
    return [*events, started]


def time_left(handoff: Handoff, at: datetime) -> float:
    """Seconds that the attempt that runs may take."""
    whole = handoff.limits.attempt_time.total_seconds()
    return whole if handoff.deadline is None else min(whole, (handoff.deadline - at).total_seconds())


def answered(
    handoff: Handoff, answer: Answer, *, name: str, jitter: float, at: datetime
) -> list[HandoffEvent]:
    """What the partner's answer means. `jitter` (0 to 1) is the part of the delay that is waited."""
    status = answer.status
    if handoff.claim != name:
        return _late(handoff, answer, name, at)
    if status is not None and 200 <= status < 300 and status != 202:  # noqa: PLR2004  # HTTP's own numbers
        ended = _end(handoff, AttemptOutcome.SUCCEEDED, answer, at)
        return [ended, HandoffCompleted(at=at, output=answer.body)]
    if status == 202:  # noqa: PLR2004
        return [_accepted(handoff, answer, at)]
    if status is not None and 400 <= status < 500 and status not in TRIED_AGAIN:  # noqa: PLR2004
        ended = _end(handoff, AttemptOutcome.REFUSED, answer, at)
        reason = f"{handoff.to_package} refused it with {status}{_said(answer.body)}"
        return [ended, HandoffFailed(at=at, code=FailureCode.REFUSED, reason=reason[:MAX_ERROR])]
    outcome = AttemptOutcome.TIMED_OUT if answer.timed_out else AttemptOutcome.FAILED
    delay = max(backoff(handoff.tried) * jitter, answer.retry_after or 0.0)
    error = answer.error or f"{handoff.to_package} answered {status}{_said(answer.body)}"
    return _unsuccessful(handoff, outcome, at, delay=delay, error=error, status=status)


def backoff(tried: int) -> float:
    """Seconds before the next attempt at most: 1, doubling, never over 100 ("full jitter", AWS Architecture Blog,
    "Exponential Backoff And Jitter")."""
    return min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** (tried - 1))


def come_due(handoff: Handoff, *, at: datetime) -> list[HandoffEvent]:
    """A person's work or a partner's later answer did not come in time. Nothing where it is not due."""
    if handoff.due_at is None or handoff.due_at > at or handoff.awaits_decision or not handoff.status.open:
        return []
    who = "nobody did it" if handoff.type is HandoffType.MANUAL else f"{handoff.to_package} did not answer"
    return [HandoffFailed(at=at, code=FailureCode.NO_ANSWER, reason=f"{who} in time")]


def _unsuccessful(
    handoff: Handoff,
    outcome: AttemptOutcome,
    at: datetime,
    *,
    delay: float,
    error: str,
    status: int | None = None,
) -> list[HandoffEvent]:
    """One attempt more, or none: they are used up, or their time would be over."""
    delay = min(delay, LONGEST_ROUND.total_seconds())  # a partner may ask for patience beyond any calendar
    next_at = at + timedelta(milliseconds=round(delay * 1000))
    more = handoff.tried < handoff.limits.attempts
    in_time = handoff.deadline is None or next_at < handoff.deadline
    ended = AttemptEnded(
        at=at,
        round=handoff.round,
        attempt=handoff.tried,
        outcome=outcome,
        status=status,
        error=error[:MAX_ERROR],
        next_attempt_at=next_at if more and in_time else None,
    )
    if more and in_time:
        return [ended]
    if more:
        return [ended, HandoffFailed(at=at, code=FailureCode.TIME, reason="all attempts took too long")]
    last = f"attempt {handoff.tried} of {handoff.limits.attempts}: {error}"
    return [ended, HandoffFailed(at=at, code=FailureCode.ATTEMPTS, reason=last[:MAX_ERROR])]


def _end(handoff: Handoff, outcome: AttemptOutcome, answer: Answer, at: datetime) -> AttemptEnded:
    return AttemptEnded(
        at=at, round=handoff.round, attempt=handoff.tried, outcome=outcome, status=answer.status
    )


def _accepted(handoff: Handoff, answer: Answer, at: datetime) -> AttemptEnded:
    wait = handoff.limits.answer_time
    return AttemptEnded(
        at=at,
        round=handoff.round,
        attempt=handoff.tried,
        outcome=AttemptOutcome.ACCEPTED,
        status=answer.status,
        due_at=None if wait is None else at + wait,
    )


def _late(handoff: Handoff, answer: Answer, name: str, at: datetime) -> list[HandoffEvent]:
    """The attempt is not this worker's any more. That a partner accepted what it has finished by now is no news."""
    if answer.status == 202 and handoff.status is HandoffStatus.COMPLETED:  # noqa: PLR2004
        return []
    attempt = next((each for each in handoff.attempts if each.claim == name), None)
    return [
        LateResult(
            at=at,
            round=handoff.round if attempt is None else attempt.round,
            attempt=None if attempt is None else attempt.number,
            status=answer.status,
            output=answer.body,
            error=None if answer.error is None else answer.error[:MAX_ERROR],
        )
    ]


def _said(body: Json) -> str:
    """What a partner's own words were, if they were few."""
    if isinstance(body, dict):
        body = body.get("detail") or body.get("message") or body.get("error") or body.get("title")
    return f": {body[:200]}" if isinstance(body, str) and body else ""
