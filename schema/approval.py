"""Where an approval stands, as GraphQL shows it."""

from datetime import datetime
from typing import Self

import strawberry

from domain import approval as domain
from domain.approval import Verdict, WhenDue
from domain.handoff import Handoff
from schema.identity import Actor
from schema.policy import ApprovalPolicy


@strawberry.type(description="What one person decided. It never changes.")
class ApprovalDecision:
    verdict: Verdict = strawberry.field(description="Yes or no.")
    by: Actor = strawberry.field(description="Who decided.")
    at: datetime = strawberry.field(description="When.")
    comment: str | None = strawberry.field(description="What they said to it.")
    voided: bool = strawberry.field(
        description="Whether it counts no more, because the data was changed afterwards."
    )
    policy: ApprovalPolicy = strawberry.field(description="The policy as it was at that time.")

    @classmethod
    def of(cls, decision: domain.Decision) -> Self:
        return cls(
            verdict=decision.verdict,
            by=Actor.of(decision.by),
            at=decision.at,
            comment=decision.comment,
            voided=decision.voided,
            policy=ApprovalPolicy.of(decision.policy),
        )


@strawberry.type(description="One person lets another decide instead. To oneself takes it back.")
class ApprovalDelegation:
    by: str = strawberry.field(description="The user who would have decided.")
    to: str = strawberry.field(description="The user who decides instead.")
    at: datetime = strawberry.field(description="When.")

    @classmethod
    def of(cls, delegation: domain.Delegation) -> Self:
        return cls(by=delegation.by, to=delegation.to, at=delegation.at)


@strawberry.type(description="The approval that a handoff needs, and where it stands.")
class HandoffApproval:
    quorum: int = strawberry.field(description="How many must approve. One rejection is always enough.")
    missing: int = strawberry.field(description="How many approvals are still needed.")
    roles: list[str] = strawberry.field(
        description="Roles and groups of the token that may decide now; ADMIN always may."
    )
    due_at: datetime | None = strawberry.field(
        description="When `whenDue` happens; null where nothing is due or all is decided."
    )
    when_due: WhenDue = strawberry.field(description="What happens when nobody has decided by then.")
    escalate_to: str | None = strawberry.field(
        description="The role or group that may decide too after an escalation."
    )
    escalated: bool = strawberry.field(description="Whether that has happened.")
    requester_may_decide: bool = strawberry.field(
        description="Whether the person who asked may decide too; without it, four eyes are needed."
    )
    decisions: list[ApprovalDecision] = strawberry.field(description="Every decision, in order.")
    delegations: list[ApprovalDelegation] = strawberry.field(
        description="Every delegation, in order; a person's last one counts."
    )

    @classmethod
    def of(cls, handoff: Handoff, approval: domain.Approval) -> Self:
        policy = approval.policy
        return cls(
            quorum=policy.quorum,
            missing=approval.missing,
            roles=list(approval.roles),
            due_at=handoff.due_at if handoff.awaits_decision else None,
            when_due=policy.when_due,
            escalate_to=policy.escalate_to,
            escalated=approval.escalated,
            requester_may_decide=policy.requester_may_decide,
            decisions=[ApprovalDecision.of(each) for each in approval.decisions],
            delegations=[ApprovalDelegation.of(each) for each in approval.delegations],
        )
