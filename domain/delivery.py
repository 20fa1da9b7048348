"""Deliveries: one event on its way to one webhook, until its address takes it or a day of attempts is over.

No event tells of a delivery: it is machinery, changed where its revision is still the same. An attempt is claimed for a
while, and counts even if its worker dies; so an event may arrive more than once, each time under the same id.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.errors import IllegalTransition
from domain.webhook import Webhook

LIFETIME: Final = timedelta(hours=24)  # of attempts, from when it was made or sent again
FIRST_DELAY: Final = timedelta(seconds=5)
LONGEST_DELAY: Final = timedelta(hours=1)
JITTER: Final = 0.2  # of a delay, either way
DELIVERED_KEPT: Final = timedelta(days=7)
DEAD_KEPT: Final = timedelta(days=30)
LONGEST_ERROR: Final = 500  # characters
REMEMBERED: Final = 20  # commands to send it again

SUCCESS: Final = range(200, 300)
GONE: Final = 410


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event for one webhook. `wake_at`: when something is due, or when the attempt under way is lost; `claim`
    names that attempt. `earlier`: attempts from before it was sent again."""

    id: str
    tenant_id: str
    revision: int = 1
    webhook_id: str
    event_id: str
    event_type: str
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: int = 0
    earlier: int = 0
    attempted_at: datetime | None = None
    last_status: int | None = None
    last_error: str | None = None
    created_at: datetime
    deadline: datetime
    wake_at: datetime | None = None
    claim: str | None = None
    ended_at: datetime | None = None
    expires_at: datetime | None = None
    resends: tuple[str, ...] = ()  # ids of the commands that sent it again, the newest last


@dataclass(frozen=True, slots=True)
class Response:
    """What came of an attempt: an HTTP status, or why there is none; seconds of Retry-After."""

    status: int | None = None
    error: str | None = None
    retry_after: float | None = None

    @property
    def succeeded(self) -> bool:
        return self.status in SUCCESS


def begin(id: str, webhook: Webhook, event_id: str, event_type: str, *, at: datetime) -> Delivery:
    """An event on its way, due at once."""
    return Delivery(
        id=id,
        tenant_id=webhook.tenant_id,
        webhook_id=webhook.id,
        event_id=event_id,
        event_type=event_type,
        created_at=at,
        deadline=at + LIFETIME,
        wake_at=at,
    )


def claim(delivery: Delivery, *, name: str, lease: timedelta, at: datetime) -> Delivery:
    """Begin an attempt. Where the one before was lost after the deadline, there is no other."""
    if delivery.claim is not None:
        lost = "The attempt was lost: its worker died, or could not write down what came of it."
        delivery = replace(delivery, claim=None, last_status=None, last_error=lost)
        if at >= delivery.deadline:
            return die(delivery, at=at)
    return replace(delivery, claim=name, wake_at=at + lease, attempts=delivery.attempts + 1, attempted_at=at)


def answered(delivery: Delivery, response: Response, *, jitter: float, at: datetime) -> Delivery:
    """The claimed attempt's end. `jitter` is by chance, from 0 to 1."""
    error = (
        None if response.succeeded else (response.error or f"It answered {response.status}.")[:LONGEST_ERROR]
    )
    delivery = replace(delivery, claim=None, last_status=response.status, last_error=error)
    if response.succeeded:
        return replace(
            delivery,
            status=DeliveryStatus.DELIVERED,
            wake_at=None,
            ended_at=at,
            expires_at=at + DELIVERED_KEPT,
        )
    if at >= delivery.deadline:
        return die(delivery, at=at)
    wait = delay(delivery.attempts - delivery.earlier, response.retry_after, jitter)
    return replace(delivery, wake_at=min(at + wait, delivery.deadline))


def delay(attempts: int, retry_after: float | None, jitter: float) -> timedelta:
    """How long to wait after so many attempts: 5 s, doubled each time, a fifth more or less by chance; as long as
    the address asks for, where that is longer. At most an hour."""
    usual = FIRST_DELAY * (2.0 ** min(attempts - 1, 20) * (1 - JITTER + 2 * JITTER * jitter))
    asked = timedelta(seconds=min(max(retry_after or 0.0, 0.0), LONGEST_DELAY.total_seconds()))
    return min(max(usual, asked), LONGEST_DELAY)


def park(delivery: Delivery, *, at: datetime) -> Delivery:
    """Its webhook is switched off: it waits for that to change, or for its deadline."""
    if at >= delivery.deadline:
        return die(replace(delivery, last_error=delivery.last_error or "The webhook is switched off."), at=at)
    return replace(delivery, claim=None, wake_at=delivery.deadline)


def die(delivery: Delivery, *, at: datetime, error: str | None = None) -> Delivery:
    """It is tried no more, unless somebody sends it again."""
    return replace(
        delivery,
        status=DeliveryStatus.DEAD,
        claim=None,
        wake_at=None,
        last_error=error or delivery.last_error,
        ended_at=at,
        expires_at=at + DEAD_KEPT,
    )


def resend(delivery: Delivery, webhook: Webhook, *, command: str, at: datetime) -> Delivery:
    """Try it anew, at once, for another day; one that waits for its turn is tried at once. The same command again
    does nothing. Raises IllegalTransition while its webhook is switched off."""
    if command in delivery.resends:
        return delivery
    if webhook.deleted or not webhook.enabled:
        raise IllegalTransition("The webhook is deleted or switched off.", "id")
    known = (*delivery.resends, command)[-REMEMBERED:]
    if delivery.status is DeliveryStatus.PENDING:
        due = delivery.wake_at if delivery.claim is not None else at
        return replace(delivery, wake_at=due, resends=known)
    return replace(
        delivery,
        status=DeliveryStatus.PENDING,
        earlier=delivery.attempts,
        deadline=at + LIFETIME,
        wake_at=at,
        ended_at=None,
        expires_at=None,
        resends=known,
    )
