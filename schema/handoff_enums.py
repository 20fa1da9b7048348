"""The enumerations of handoffs, approvals and incidents as GraphQL knows them."""

from typing import Final

from domain.approval import Verdict
from domain.events import HandoffStatus
from domain.handoff_allowed import HandoffAction
from domain.handoff_events import AttemptOutcome, FailureCode, HandoffType
from domain.handoff_filter import HandoffOrder
from domain.incident import IncidentKind, IncidentStatus
from schema.enums import describe

describe(
    HandoffType,
    "HandoffType",
    "How a handoff is done.",
    "The service calls the package at once.",
    "A person or a partner does it and reports the result.",
    "People decide; then its action is carried out, where it has one.",
)
describe(
    HandoffStatus,
    "HandoffStatus",
    "Where a handoff stands.",
    "It waits: for a decision, for a person, or for its first attempt.",
    "It is being done: by a person, by attempts, or by a partner who has accepted it.",
    "It is done, and `output` is its result.",
    "It could not be done; it can be retried.",
    "Somebody with the right to decide said no.",
    "Nobody decided in time.",
    "Nobody needed it any more.",
)
describe(
    AttemptOutcome,
    "AttemptOutcome",
    "What came of one call of a partner.",
    "The partner did it and answered with the result.",
    "The partner has accepted it (202) and will report the result.",
    "The partner refused it; trying again would not change that.",
    "No answer, or one that is worth trying again.",
    "No answer in time.",
    "The process that made the call died.",
)
describe(
    FailureCode,
    "HandoffFailureCode",
    "Why a handoff failed.",
    "Data is missing or the package cannot be called; `validationErrors` says what.",
    "The partner refused it.",
    "Every attempt failed.",
    "All attempts together took too long.",
    "Nobody did it, or answered, by its due time.",
    "Somebody reported that it cannot be done.",
)
describe(
    HandoffAction,
    "HandoffAction",
    "Something that can be done with a handoff.",
    "processHandoff",
    "completeHandoff",
    "failHandoff",
    "cancelHandoff",
    "reassignHandoff",
    "changeHandoffData",
    "retryHandoff",
    "approveHandoff",
    "rejectHandoff",
    "delegateApproval",
)
describe(
    HandoffOrder,
    "HandoffOrder",
    "What a list of handoffs is ordered by, from new to old.",
    "When the handoff was made.",
    "When something last happened to it.",
)
describe(
    Verdict,
    "ApprovalVerdict",
    "What somebody decided.",
    "Yes.",
    "No, which ends the handoff at once.",
)
describe(
    IncidentKind,
    "IncidentKind",
    "What an incident is about.",
    "A handoff that failed.",
    "An event that the service fails to follow up.",
    "A chain of triggers that never ends, cut off.",
    "A step whose action was refused, or whose child journey failed or could not start.",
)
describe(
    IncidentStatus,
    "IncidentStatus",
    "Whether an incident still needs somebody.",
    "It does.",
    "It is mended, or nobody needs it any more.",
)

REGISTERED: Final = True
