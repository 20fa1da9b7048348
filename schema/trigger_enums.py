"""The enumerations of triggers and firings as GraphQL knows them."""

from typing import Final

from domain.action import ActionKind
from domain.firing import FiringStatus
from domain.rule import CatchUp
from schema.enums import describe

describe(
    ActionKind,
    "TriggerActionKind",
    "What a trigger does.",
    "Start a journey of `templateId`; `context`, `name`, `priority`, `customerId` and `leadId` are its values.",
    "Complete the journey's step and enter the next one, or the one under `to`.",
    "Skip `step` of the journey, or its current one, for `reason`.",
    "Complete the journey, for `reason`.",
    "Abandon the journey, for `reason`.",
    "Merge `context` into the journey's context.",
    "Merge `facts` into what is known of the customer.",
    "Add a touchpoint with `kind` and `channel`.",
    "Create a handoff to `toPackage` with `action`, `type`, `name` and `data`.",
    "Make an event of `type` with `data`.",
)
describe(
    CatchUp,
    "TriggerCatchUp",
    "What becomes of a scheduled firing whose time went by while nobody watched.",
    "It is made up, once however many were missed.",
    "It is left out.",
)
describe(
    FiringStatus,
    "FiringStatus",
    "What came of a firing.",
    "It was done; `result` is the id of what was made or changed.",
    "There was nothing to do, or what it would make is there already; `reason` says what.",
    "It was refused, for `reason`; it can be done again.",
)

REGISTERED: Final = True
