"""Turns: which queue a worker looks into next, so that no tenant and no partner takes more than its share.

A queue is one target of one tenant. One tenant, and one target, get at most a quarter of the slots; tenants take
turns, and so do the targets of a tenant. A target that keeps failing is left alone for a while (a circuit breaker,
Nygard, "Release It!"): its handoffs wait, and no attempt of theirs is used up.
"""

from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import Final

SHARE: Final = 4
FAILURES: Final = 5  # in a row that open a circuit
OPEN_SECONDS: Final = 5.0  # the first time; doubled each time in a row
LONGEST_OPEN: Final = 60.0
CIRCUITS: Final = 10_000


@dataclass(slots=True)
class Circuit:
    failures: int = 0
    opened: int = 0  # times in a row
    until: float = 0.0  # seconds of the loop's clock

    def failed(self, now: float) -> None:
        self.failures += 1
        if self.failures >= FAILURES and self.until <= now:
            self.until = now + min(LONGEST_OPEN, OPEN_SECONDS * 2.0**self.opened)
            self.opened += 1

    @property
    def probing(self) -> bool:
        """Whether one call at a time is to show that the target is back."""
        return self.opened > 0


class Turns:
    """Which queues have something to do, and how many slots each takes. Times are seconds of one clock."""

    def __init__(self, slots: int) -> None:
        self._slots, self._share = slots, max(1, slots // SHARE)
        self._ready: OrderedDict[str, OrderedDict[str, None]] = OrderedDict()  # queues by tenant, in turn
        self._taken: Counter[str] = Counter()  # by queue
        self._tenants: Counter[str] = Counter()
        self._circuits: OrderedDict[str, Circuit] = OrderedDict()
        self._closed: dict[str, float] = {}  # queues that nothing is taken from until then

    def add(self, queue: str, now: float) -> None:
        """It may have something to do. While it is left alone it is not looked into; the poll will name it again."""
        if self._left_alone(queue, now):
            return
        self._ready.setdefault(_tenant(queue), OrderedDict()).setdefault(queue)

    def next(self, now: float) -> tuple[str, int] | None:
        """The queue whose turn it is, and how many of its handoffs may be taken; None when nothing may."""
        if self.free <= 0:
            return None
        for tenant in list(self._ready):
            self._ready.move_to_end(tenant)
            for queue in list(self._ready.get(tenant, ())):
                if self._left_alone(queue, now):
                    self.drained(queue)
                elif room := self._room(queue):
                    self._ready[tenant].move_to_end(queue)
                    return queue, room
        return None

    def drained(self, queue: str) -> None:
        """Nothing more is due in it for the moment."""
        queues = self._ready.get(_tenant(queue))
        if queues is not None:
            queues.pop(queue, None)
            if not queues:
                del self._ready[_tenant(queue)]

    def take(self, queue: str) -> None:
        self._taken[queue] += 1
        self._tenants[_tenant(queue)] += 1

    def give_back(self, queue: str) -> None:
        for counter, name in ((self._taken, queue), (self._tenants, _tenant(queue))):
            counter[name] -= 1
            if counter[name] <= 0:
                del counter[name]

    @property
    def free(self) -> int:
        return self._slots - self._taken.total()

    def close(self, queue: str, until: float) -> None:
        """Leave it alone until then: its package is switched off."""
        if len(self._closed) >= CIRCUITS:
            self._closed.clear()
        self._closed[queue] = until
        self.drained(queue)

    def succeeded(self, queue: str) -> None:
        """The target answered, whatever it said."""
        self._circuits.pop(queue, None)

    def failed(self, queue: str, now: float) -> None:
        """The target did not answer, or not sensibly."""
        self._circuits.setdefault(queue, Circuit()).failed(now)
        self._circuits.move_to_end(queue)
        if len(self._circuits) > CIRCUITS:
            self._circuits.popitem(last=False)

    def _left_alone(self, queue: str, now: float) -> bool:
        circuit = self._circuits.get(queue)
        return self._closed.get(queue, 0.0) > now or (circuit is not None and circuit.until > now)

    def _room(self, queue: str) -> int:
        circuit = self._circuits.get(queue)
        most = 1 if circuit is not None and circuit.probing else self._share
        tenant = self._share - self._tenants[_tenant(queue)]
        return max(0, min(self.free, tenant, most - self._taken[queue]))


def _tenant(queue: str) -> str:
    return queue.partition("|")[0]
