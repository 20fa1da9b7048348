"""What all reports do: say what they are about, how far back that is kept, and how fresh and complete they are."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.analytics.scope import Scope
from domain.retention import Part
from schema.info import Info
from schema.report import Coverage, ReportInput
from storage.analytics.freshness import complete_until


async def scope_of(info: Info, report: ReportInput | None) -> Scope:
    """What the report is asked about; everything where nothing is given, in the tenant's calendar where no other is.
    Raises InvalidInput as `ReportInput` says."""
    context, asked = info.context, report or ReportInput()
    asked.require()  # before anything is read
    calendar = await context.store.calendars.get(context.identity.tenant_id)
    return asked.to_domain(calendar, context.now())


async def covered(
    info: Info, asked: Scope, *parts: Part, lookback: timedelta = timedelta()
) -> tuple[Scope, Coverage]:
    """What the report can be about, and how fresh and complete it is: a report that reads what is kept under these
    parts of the retention, the analytics without any, from `lookback` before its range on.

    To be asked before the report reads: what it tells holds then too. Raises NotKept for a range that lies before what
    is kept.
    """
    reach = await _horizon(info, asked, parts)
    scope = asked.kept(reach)
    return scope, Coverage(
        as_of=asked.now,
        complete_until=await complete_until(info.context.store.reports, asked.tenant_id, asked.now),
        reaches_back_to=reach,
        truncated=reach is not None and asked.begins - reach < lookback,
    )


async def kept(info: Info, asked: Scope, *parts: Part) -> Scope:
    """What a list of those behind a report's figures can be about. Raises NotKept as the report does."""
    return asked.kept(await _horizon(info, asked, parts))


async def _horizon(info: Info, asked: Scope, parts: Sequence[Part]) -> datetime | None:
    """What lies before may have been deleted; None where nothing ever is."""
    retention = await info.context.store.retention.get(asked.tenant_id)
    spans = [retention.span(part) for part in parts or (Part.ANALYTICS,)]
    return max(filter(None, (span.since(asked.now) for span in spans)), default=None)
