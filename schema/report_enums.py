"""The enumerations of reports: every value described for a stranger."""

from typing import Final

from domain.analytics.cohort import Retention
from domain.analytics.metrics import OpenJourneys
from domain.analytics.periods import Period, Weekday
from domain.analytics.scope import UnitKind
from schema.enums import describe

describe(
    Period,
    "Period",
    "How long each part of a report's time is.",
    "A day.",
    "A week, from the day on which the report's weeks begin.",
    "A month.",
    "Three months, from January on.",
)
describe(
    Weekday,
    "Weekday",
    "A day of the week.",
    *(f"{name}." for name in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")),
)
describe(
    UnitKind,
    "ReportUnit",
    "What a report counts.",
    "Journeys.",
    "Customers; a lead counts as one until it turns out to be a customer, then as that customer.",
)

describe(
    Retention,
    "CohortRetention",
    "When a member of a cohort counts as kept at an age.",
    "With a conversion in that very period.",
    "With a conversion in that period or any later one.",
)
describe(
    OpenJourneys,
    "OpenJourneys",
    "What durations make of journeys that have not ended: active, paused and failed ones.",
    "They have no duration yet and are left out.",
    "They took until their last activity, as if they had ended there.",
)

REGISTERED: Final = True
