"""Mutations on one approval. Who has no right to decide is refused before anything is read."""

import strawberry

from domain import deciding
from resolvers.handoff_changes import change
from schema.arguments import Given
from schema.handoff_inputs import DecideHandoffInput, DelegateApprovalInput, HandoffPayload
from schema.info import Info
from schema.permissions import CanDecide


@strawberry.type
class ApprovalMutations:
    @strawberry.mutation(
        description="Approve. The approval that makes the quorum lets the handoff's action be carried out, or "
        "completes it. Given again by the same person it does nothing.",
        permission_classes=[CanDecide],
    )
    async def approve_handoff(self, info: Info, input: Given[DecideHandoffInput]) -> HandoffPayload:
        who = info.context.identity
        return await change(
            info,
            "approveHandoff",
            input,
            lambda h, at: deciding.approve(h, who, at=at, comment=input.comment),
        )

    @strawberry.mutation(
        description="Reject, which ends the handoff at once. Given again by the same person it does nothing.",
        permission_classes=[CanDecide],
    )
    async def reject_handoff(self, info: Info, input: Given[DecideHandoffInput]) -> HandoffPayload:
        who = info.context.identity
        return await change(
            info,
            "rejectHandoff",
            input,
            lambda h, at: deciding.reject(h, who, at=at, comment=input.comment),
        )

    @strawberry.mutation(
        description="Let another user decide instead of oneself; naming oneself takes it back.",
        permission_classes=[CanDecide],
    )
    async def delegate_approval(self, info: Info, input: Given[DelegateApprovalInput]) -> HandoffPayload:
        who = info.context.identity
        return await change(
            info, "delegateApproval", input, lambda h, at: deciding.delegate(h, who, to=input.to, at=at)
        )
