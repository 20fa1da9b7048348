"""Small handoffs, packages and people to try things on."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import reduce
from typing import Any, TypeVar

from domain import attempting, deciding, handing
from domain.approval import ApprovalPolicy
from domain.attempting import Answer
from domain.events import HandoffStatus
from domain.handoff import Handoff
from domain.handoff_events import HandoffCreated, HandoffEvent, HandoffType
from domain.handoff_fold import begin, evolve
from domain.identity import Identity, Role
from domain.package import Action, Package
from tests.domain.samples import ANNA, NOON, later

E = TypeVar("E")

LEASE = timedelta(seconds=15)
CRM = Package(
    id="pkg_crm",
    tenant_id="t",
    name="crm",
    address="https://crm.example",
    actions=(Action(name="convert", path="/leads/{leadId}/convert", required_data=("leadId",)),),
    created_at=NOON,
    updated_at=NOON,
    updated_by=ANNA,
)
DATA = {"leadId": "l-1"}


def person(name: str, *roles: Role | str, tenant: str = "t") -> Identity:
    """Somebody with these roles; a text that is none is a group. Without any, an approver."""
    held = roles or (Role.APPROVER,)
    known = frozenset(role for role in held if isinstance(role, Role))
    return Identity(tenant, name, known, groups=frozenset(str(role) for role in held if role not in known))


def asked(kind: HandoffType = HandoffType.AUTOMATIC, **rest: Any) -> HandoffCreated:
    """What somebody asks for: of the CRM where it is automatic, of people otherwise."""
    if kind is HandoffType.AUTOMATIC:
        rest = {"action": "convert", "data": DATA} | rest
    if kind is HandoffType.APPROVAL_REQUIRED:
        rest = {"policy": ApprovalPolicy()} | rest
    usual: dict[str, Any] = {"at": NOON, "tenant_id": "t", "name": "Convert", "to_package": "crm"}
    return HandoffCreated(kind=kind, **(usual | rest))


def created(kind: HandoffType = HandoffType.AUTOMATIC, *, strict: bool = True, **rest: Any) -> Handoff:
    return folded(handing.create("hof_1", asked(kind, **rest), CRM, by=ANNA, strict=strict))


def awaiting(
    *, strict: bool = True, requester: Any = None, action: str | None = None, **policy: Any
) -> Handoff:
    """An approval that waits for its decisions; with an action, that is done afterwards."""
    kind, made = HandoffType.APPROVAL_REQUIRED, ApprovalPolicy(**policy)
    return created(kind, policy=made, requester=requester, action=action, data=DATA, strict=strict)


def folded(events: Sequence[HandoffEvent]) -> Handoff:
    return moved(begin("hof_1", events[0], ANNA), events[1:])


def moved(handoff: Handoff, events: Iterable[HandoffEvent]) -> Handoff:
    return reduce(evolve, events, handoff)


def claimed(handoff: Handoff | None = None, at: Any = NOON, name: str = "w1") -> Handoff:
    handoff = handoff or created()
    return moved(handoff, attempting.claim(handoff, name=name, lease=LEASE, at=at))


def answering(
    handoff: Handoff, answer: Answer | int, at: Any = NOON, name: str = "w1", jitter: float = 1.0
) -> Handoff:
    said = Answer(status=answer) if isinstance(answer, int) else answer
    return moved(handoff, attempting.answered(handoff, said, name=name, jitter=jitter, at=at))


def approved(handoff: Handoff, *names: str, at: Any = NOON) -> Handoff:
    for name in names:
        handoff = moved(handoff, deciding.approve(handoff, person(name), at=at))
    return handoff


def failing(**rest: Any) -> Handoff:
    """A handoff that its partner refused."""
    return answering(claimed(created(**rest)), 400)


def only(events: Sequence[object], kind: type[E]) -> E:
    """The one event of this kind."""
    [found] = [event for event in events if isinstance(event, kind)]
    return found


def names(events: Iterable[HandoffEvent]) -> list[str]:
    return [event.type.partition(":")[2] for event in events]


def in_state(status: HandoffStatus) -> Handoff:
    """A handoff to people in this state; where only an approval comes there, an approval."""
    manual = created(HandoffType.MANUAL)
    begun = moved(manual, handing.process(manual, by=ANNA, at=NOON))
    due = awaiting(due=timedelta(hours=1))
    match status:
        case HandoffStatus.PENDING:
            return manual
        case HandoffStatus.IN_PROGRESS:
            return begun
        case HandoffStatus.COMPLETED:
            return moved(begun, handing.complete(begun, output=None, at=NOON))
        case HandoffStatus.FAILED:
            return moved(begun, handing.fail(begun, reason="no line", at=NOON))
        case HandoffStatus.CANCELLED:
            return moved(begun, handing.cancel(begun, at=NOON))
        case HandoffStatus.REJECTED:
            return moved(due, deciding.reject(due, person("ben"), at=NOON))
        case HandoffStatus.EXPIRED:
            return moved(due, deciding.come_due(due, at=later(hours=1)))
