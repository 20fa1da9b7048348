"""The enumerations of reports: every value described for a stranger."""

from typing import Final

from domain.analytics.attribution import Model
from domain.analytics.cohort import Retention
from domain.analytics.funnel_question import Breakdown, NamedFunnel
from domain.analytics.funnel_question import Outcome as FunnelOutcome
from domain.analytics.funnel_walk import OrderMode
from domain.analytics.metrics import OpenJourneys
from domain.analytics.periods import Period, Weekday
from domain.analytics.question import By
from domain.analytics.revenue import Group
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

describe(
    OrderMode,
    "FunnelOrder",
    "What the order of a unit's moments must be.",
    "Step after step, whatever happens between.",
    "Step after step, and nothing of their kind between: no other stage between stages, no other step of any template "
    "between steps, no other event of the area (`crm:` of `crm:lead_qualified`) between events.",
    "Step 1 first, then the others in any order; a step's count is of the units that did at least so many.",
)
describe(
    Breakdown,
    "FunnelBreakdown",
    "What a funnel's rows are told apart by: of the journey in which a unit entered step 1, as it is now.",
    "Its template.",
    "Its type.",
    "Its priority.",
    "Its status.",
    "The team that looks after it.",
    "The person who looks after it.",
)
describe(
    FunnelOutcome,
    "FunnelOutcome",
    "What became of the units behind a figure of a funnel's step.",
    "They reached the step.",
    "They reached it and will not reach the next, the excluded among them.",
    "They reached it, and an exclusion stopped them there.",
    "They reached it, not the next, and still may.",
)
describe(
    NamedFunnel,
    "FunnelName",
    "The ready-made funnels.",
    "From interest to use: the stages LEAD, CUSTOMER, ACTIVE_SERVICE.",
    "From the sale to a running service: the stages CUSTOMER, ACTIVE_SERVICE.",
    "A ticket's way: the steps of `support_resolution` from `ticket_triage` to `customer_verification`.",
    "Customers who renew: the stages RENEWAL, ACTIVE_SERVICE.",
)

describe(
    Model,
    "AttributionModel",
    "How a conversion is divided among the touchpoints of its path, which are those in its lookback.",
    "All to the first.",
    "All to the last.",
    "All to the last that is not direct; to the last where all are.",
    "Equally to all.",
    "By 2^(-age / half-life): the nearer to the conversion, the more.",
    "40 % to the first, 40 % to the last and 20 % equally to those between; of two, half to each.",
    "By removal effect in a Markov chain of order 1: how many conversions would be lost if every path that comes to a "
    "key ended there. All paths together are looked at, also those that did not convert.",
    "By Shapley value: equally among the distinct keys on the path.",
)
describe(
    By,
    "AttributionKey",
    "What of a touchpoint is credited.",
    "The channel it came by.",
    "The system or site that reported it.",
    "The campaign it belongs to.",
    "Its kind, such as `email` or `call`.",
)
describe(
    Group,
    "RevenueKey",
    "What conversions and costs are grouped by.",
    "The campaign.",
    "The channel.",
    "The source.",
)

REGISTERED: Final = True
