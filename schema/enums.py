"""The domain's enumerations as GraphQL knows them: every value described for a stranger."""

from enum import Enum
from typing import Final

import strawberry

from domain.allowed import JourneyAction
from domain.approval import WhenDue
from domain.condition import Operator, ValueType
from domain.errors import ErrorCode
from domain.events import Origin, Outcome, Priority, StepState, Work
from domain.identity import ActorKind, Role
from domain.journey import Status
from domain.journey_filter import JourneyOrder
from domain.template import Category, Reentry, Stage, StepType, TriggerType


def describe(kind: type[Enum], name: str, description: str, *values: str) -> None:
    """Register an enumeration under a GraphQL name, with a sentence for each value in order."""
    strawberry.enum(kind, name=name, description=description)
    known = kind.__strawberry_definition__.values  # type: ignore[attr-defined]  # Strawberry's own protocol
    for value, text in zip(known, values, strict=True):
        value.description = text


describe(
    ErrorCode,
    "ErrorCode",
    "Why something was refused. When an error is told, nothing has changed.",
    "A value in the input is wrong; `path` says which.",
    "No such id is known here. Another tenant's ids look just the same.",
    "The object's status does not allow this.",
    "Conditions do not hold; one error for each, with the value it saw.",
    "The viewer may not decide this: it is their own request, another role's, or they delegated it.",
    "It was decided already; the error names by whom.",
    "`expectedRevision` is not the current revision, which the error names.",
    "The template allows no second journey for this customer; the error names the one there is.",
    "Something with this id is there already.",
    "The tenant has as many as it may.",
    "The input or what it would make is too large.",
    "The idempotency key was used before with another input.",
    "The cursor is not one of this list or feed.",
    "The report's range lies before what is kept (see `retention`); the message says since when figures are.",
    "The token is missing, expired or not valid.",
    "The token's roles do not include one that this needs.",
    "The query took too long; narrow it.",
    "Something the service needs is away for the moment; try again.",
    "The subscriber read too slowly; subscribe again from the cursor in the error.",
)
describe(
    Status,
    "JourneyStatus",
    "Whether a journey goes on.",
    "It goes on.",
    "Its clock stands still until it is resumed.",
    "It reached its end.",
    "A step failed; it can be retried.",
    "It was given up.",
)
describe(
    Stage,
    "Stage",
    "Where in its life a customer stands.",
    "Might become interested.",
    "Has shown interest.",
    "Is a promising lead.",
    "Has bought.",
    "Uses the service.",
    "Needs help.",
    "Is about to renew.",
    "Has left or is leaving.",
    "Left and is being won back.",
)
describe(
    Category,
    "JourneyType",
    "What a journey is for.",
    "Winning a customer.",
    "Getting a new customer going.",
    "Solving a customer's problem.",
    "Keeping a customer.",
    "Moving a customer to a better service.",
    "Anything else.",
)
describe(
    Priority,
    "Priority",
    "How urgent a journey is.",
    "Can wait.",
    "As usual.",
    "Before others.",
    "Before all others.",
)
describe(
    StepType,
    "StepType",
    "Who does a step.",
    "A person: the step waits to be advanced.",
    "The service itself: it performs an action, or does nothing.",
    "Another system, by a handoff.",
    "People who decide.",
    "The service: somebody is told.",
    "A child journey, which the step starts and ends with.",
)
describe(
    Work,
    "Work",
    "What a step waits for.",
    "A handoff: another system or people do it.",
    "An action of the service.",
    "A child journey.",
)
describe(
    StepState,
    "StepState",
    "Where a step of a journey stands.",
    "Not reached yet.",
    "The journey waits before it until its conditions hold.",
    "The journey is at it.",
    "Done.",
    "Left out, with a reason.",
    "Gone wrong; retrying the journey enters it again.",
)
describe(
    Reentry,
    "Reentry",
    "When another journey of the same template may start for the same customer, lead or entry key.",
    "At any time.",
    "When none of them is live: active, paused or failed.",
    "Never again.",
)
describe(
    TriggerType,
    "TriggerType",
    "What makes a trigger fire.",
    "A person.",
    "The service itself.",
    "A time.",
    "Conditions that turn true.",
    "An event.",
)
describe(
    Operator,
    "ConditionOperator",
    "How a condition compares the value it finds with the expected one.",
    "They are the same.",
    "They differ, or the value is missing.",
    "The list or text found holds the expected value.",
    "The list or text found does not hold it, or is missing.",
    "The value found is greater.",
    "The value found is less.",
    "There is a value that is not null.",
    "There is none.",
    "The value found is in the expected list.",
    "The value found is not in the expected list, or is missing.",
)
describe(
    ValueType,
    "ConditionValueType",
    "What both sides of a comparison are coerced to. What cannot be coerced makes the condition false.",
    "A text.",
    "A number.",
    "True or false.",
    "An instant, from RFC 3339.",
    "A list; a single value becomes a list of one.",
)
describe(
    Origin,
    "Origin",
    "Where a fact comes from.",
    "It happened here.",
    "History imported from elsewhere: it has no side effects.",
)
describe(
    Outcome,
    "Outcome",
    "How a contact went.",
    "Well.",
    "Badly.",
    "Neither well nor badly.",
)
describe(
    ActorKind,
    "ActorKind",
    "What kind of actor caused something.",
    "A person.",
    "Another system.",
    "This service.",
    "Somebody in imported history.",
)
describe(
    Role,
    "Role",
    "What somebody may do.",
    "Read and watch.",
    "Move journeys and handoffs; record touchpoints and conversions.",
    "Decide on approvals.",
    "Whatever any role may, and write templates and see the relay.",
    "Another system: whatever an operator may.",
)
describe(
    JourneyAction,
    "JourneyAction",
    "Something that can be done with a journey.",
    "advanceJourney",
    "skipStep, for the current step",
    "retryStep",
    "failStep",
    "pauseJourney",
    "resumeJourney",
    "completeJourney",
    "abandonJourney",
    "assignJourney",
    "setJourneyPriority",
    "updateJourneyContext",
    "migrateJourneys, to a version that has the current step",
)
describe(
    JourneyOrder,
    "JourneyOrder",
    "What a list of journeys is ordered by, from new to old.",
    "When the journey started.",
    "When something last happened in it.",
)
describe(
    WhenDue,
    "WhenDue",
    "What happens to an approval that nobody has decided in time.",
    "It ends undecided, and with it its handoff.",
    "Once, another role or group may decide too; after that it expires.",
)

REGISTERED: Final = True
