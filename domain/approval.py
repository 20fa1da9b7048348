"""Approvals: who may decide, what a decision is, and when it is enough.

A decision never changes: who, when, what, and the policy it was made under. One person has one; a delegate decides
instead of the person who delegated.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.errors import InvalidInput, Problem
from domain.identity import Actor, ActorKind, Identity, Role

MAX_QUORUM = 20
MAX_ROLES = 20


class WhenDue(StrEnum):
    EXPIRE = "expire"
    ESCALATE = "escalate"


class Verdict(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalPolicy:
    """How many must approve, who may, by when, and what happens then."""

    quorum: int = 1
    roles: tuple[str, ...] = (Role.APPROVER.value,)
    due: timedelta | None = None  # from the request on; after an escalation once more
    when_due: WhenDue = WhenDue.EXPIRE
    escalate_to: str | None = None  # a role that may decide too from then on
    requester_may_decide: bool = False  # without it: four eyes


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    verdict: Verdict
    by: Actor
    at: datetime
    comment: str | None = None
    policy: ApprovalPolicy
    voided: bool = False  # the data was changed afterwards


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """From one person to another, for one approval."""

    by: str
    to: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Where an approval stands."""

    policy: ApprovalPolicy
    decisions: tuple[Decision, ...] = ()
    delegations: tuple[Delegation, ...] = ()
    escalated: bool = False
    editors: tuple[str, ...] = ()  # who changed the data: they have asked for what it is now

    @property
    def valid(self) -> tuple[Decision, ...]:
        return tuple(each for each in self.decisions if not each.voided)

    @property
    def roles(self) -> tuple[str, ...]:
        """Who may decide now."""
        more = (self.policy.escalate_to,) if self.escalated and self.policy.escalate_to else ()
        return tuple(dict.fromkeys((*self.policy.roles, *more)))

    @property
    def missing(self) -> int:
        """How many approvals are still needed."""
        given = {each.by.id for each in self.valid if each.verdict is Verdict.APPROVE}
        return max(0, self.policy.quorum - len(given))

    @property
    def delegates(self) -> dict[str, str]:
        """Who decides instead of whom, by the person who delegated. Whoever takes a vote back takes it from all who
        had it from there on."""
        current: dict[str, str] = {}
        for each in self.delegations:
            if each.by != each.to:
                current[each.by] = each.to
                continue
            holder = each.by
            while holder in current:
                holder = current.pop(holder)
        return current

    def holder(self, user: str) -> str:
        """Who has this person's vote now."""
        delegates = self.delegates
        while user in delegates:
            user = delegates[user]
        return user

    def barred(self, requester: Actor | None) -> set[str]:
        """The users who may not decide because it was they who asked, or changed what was asked for."""
        if self.policy.requester_may_decide:
            return set()
        asked = requester is not None and requester.kind in (ActorKind.USER, ActorKind.SERVICE)
        return {*self.editors, *([requester.id] if requester and asked else [])}

    def decision_of(self, user: str) -> Decision | None:
        return next((each for each in self.valid if each.by.id == user), None)

    def refusal(self, identity: Identity, requester: Actor | None) -> str | None:
        """Why this person may not decide; None where they may."""
        if identity.user_id in self.barred(requester):
            return "Whoever asked for an approval, or changed its data, does not decide on it."
        delegates = self.delegates
        if identity.user_id in delegates:
            return f"You delegated this to {delegates[identity.user_id]!r}."
        if identity.user_id in delegates.values() or identity.holds(self.roles):
            return None
        return f"This approval is for {' or '.join(self.roles)}."

    @property
    def audience(self) -> tuple[str, ...]:
        """Whose list it is in: roles and persons."""
        roles = dict.fromkeys((*self.roles, Role.ADMIN.value))
        return (*(f"role:{each}" for each in roles), *(f"user:{each}" for each in self.delegates.values()))


def check_policy(policy: ApprovalPolicy, *path: str) -> list[Problem]:
    """Every reason why nobody could decide by this policy, or nothing could come of it."""
    found = []
    if not 1 <= policy.quorum <= MAX_QUORUM:
        found.append(Problem(f"A quorum is 1 to {MAX_QUORUM}.", (*path, "quorum")))
    if not 1 <= len(policy.roles) <= MAX_ROLES or any(not each.strip() for each in policy.roles):
        found.append(Problem(f"1 to {MAX_ROLES} roles, none of them empty.", (*path, "roles")))
    if policy.due is not None and policy.due <= timedelta(0):
        found.append(Problem("A due time is longer than nothing.", (*path, "due")))
    if policy.when_due is WhenDue.ESCALATE and not policy.escalate_to:
        found.append(Problem("Say which role it escalates to.", (*path, "escalateTo")))
    if policy.when_due is WhenDue.ESCALATE and policy.due is None:
        found.append(Problem("Without a due time nothing escalates.", (*path, "due")))
    return found


def require_policy(policy: ApprovalPolicy, *path: str) -> None:
    """Raises InvalidInput with every reason."""
    if found := check_policy(policy, *path):
        raise InvalidInput(found[0].message, problems=found)
