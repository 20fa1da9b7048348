"""How an approval is decided, as GraphQL shows it and as authors write it."""

from datetime import timedelta
from typing import Self

import strawberry

from domain import approval as domain
from domain.approval import WhenDue
from domain.identity import Role


@strawberry.type(description="How an approval is decided: how many must approve, who may, and by when.")
class ApprovalPolicy:
    quorum: int = strawberry.field(description="How many must approve. One rejection is always enough.")
    roles: list[str] = strawberry.field(
        description="Roles and groups of the token that may decide; ADMIN always may."
    )
    due: timedelta | None = strawberry.field(
        description="How long they have from the request on, and once more after an escalation."
    )
    when_due: WhenDue = strawberry.field(description="What happens when nobody has decided by then.")
    escalate_to: str | None = strawberry.field(
        description="The role or group that may decide too after an escalation."
    )
    requester_may_decide: bool = strawberry.field(
        description="Whether the person who asked may decide too; without it, four eyes are needed."
    )

    @classmethod
    def of(cls, policy: domain.ApprovalPolicy) -> Self:
        return cls(
            quorum=policy.quorum,
            roles=list(policy.roles),
            due=policy.due,
            when_due=policy.when_due,
            escalate_to=policy.escalate_to,
            requester_may_decide=policy.requester_may_decide,
        )


@strawberry.input(description="How an approval is to be decided.")
class ApprovalPolicyInput:
    quorum: int = strawberry.field(default=1, description="How many must approve, 1 to 20.")
    roles: list[str] = strawberry.field(
        default_factory=lambda: [Role.APPROVER.value],
        description="Roles and groups of the token that may decide; ADMIN always may.",
    )
    due: timedelta | None = strawberry.field(
        default=None,
        description="How long they have from the request on, and once more after an escalation.",
    )
    when_due: WhenDue = strawberry.field(
        default=WhenDue.EXPIRE, description="What happens when nobody has decided by then."
    )
    escalate_to: str | None = strawberry.field(
        default=None, description="The role or group that may decide too after an escalation."
    )
    requester_may_decide: bool = strawberry.field(
        default=False,
        description="Whether the person who asked may decide too; without it, four eyes are needed.",
    )

    def to_domain(self) -> domain.ApprovalPolicy:
        return domain.ApprovalPolicy(
            quorum=self.quorum,
            roles=tuple(self.roles),
            due=self.due,
            when_due=self.when_due,
            escalate_to=self.escalate_to,
            requester_may_decide=self.requester_may_decide,
        )
