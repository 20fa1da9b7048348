"""The enumerations of exports: every value described for a stranger."""

from typing import Final

from domain.export import DownloadOutcome, ExportState, Format, What
from schema.enums import describe

describe(
    What,
    "ExportKind",
    "What an export has rows of.",
    "Journeys, from new to old, with what a journey says itself: not what `Journey` looks up or works out beside that, "
    "such as `steps`, `template` and `allowedActions`.",
    "Events by when they occurred, from new to old.",
    "Touchpoints by when they took place, from new to old.",
    "Conversions by when they happened, from new to old.",
    "Handoffs from new to old.",
    "The report `funnel`: a row for each value of the breakdown and step.",
    "The report `timeToConvert`: one row.",
    "The report `cohorts`: a row for each cohort and age.",
    "The report `attribution`: a row for each key.",
    "The report `compareAttribution`: a row for each key and model.",
    "The report `revenue`: a row for each campaign, channel or source.",
    "The key figures of `metrics`: one row.",
    "The report `sla`: a row for each template and each of its steps.",
    "The report `handoffMetrics`: a row for each package and action.",
    "The report `dropOff`: a row for each stage, with every reason.",
    "The report `trends`: a row for each stage and period.",
    "The report `stageMetrics`: a row for each stage.",
    "The report `stepMetrics`: a row for each step.",
)
describe(
    Format,
    "ExportFormat",
    "How an export is written, in UTF-8 always.",
    "RFC 4180 with a line of names: these are the fields' own, joined by dots where one is inside another; lists and "
    "JSON are compact JSON, and money is two columns, `amount` and `currency`. A text that begins with = + - @, also "
    "full-width, a tab or a line break has an apostrophe before it, so that no spreadsheet takes it for a formula; "
    "numbers have none. Null is an empty cell, an empty text a quoted one.",
    "One array, with an object for each row.",
    "JSON Lines: an object on each line.",
)
describe(
    ExportState,
    "ExportState",
    "What became of an export.",
    "It can be fetched; it was never sent whole.",
    "It is being fetched. Another download may begin meanwhile.",
    "All of it was sent, at least once. It can be fetched again, and is read anew then.",
    "It could not be read to its end; it can be fetched again.",
)
describe(
    DownloadOutcome,
    "DownloadOutcome",
    "How a download ended.",
    "All of it was sent.",
    "It could not be read to its end.",
    "Its client left before the end or took nothing for a minute, or the server was stopped.",
)

REGISTERED: Final = True
