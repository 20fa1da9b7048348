"""What all reports do: say what they are about, and how fresh and complete they are."""

from collections.abc import Sequence
from datetime import datetime

from domain.analytics.scope import Scope
from domain.retention import Part
from schema.info import Info
from schema.report import Coverage, ReportInput
from storage.analytics.freshness import complete_until


def scope_of(info: Info, report: ReportInput | None) -> Scope:
    """What the report is about; everything where nothing is given. Raises InvalidInput as `ReportInput` says."""
    context = info.context
    return (report or ReportInput()).to_domain(context.identity.tenant_id, context.now())


async def coverage(info: Info, scope: Scope, *parts: Part) -> Coverage:
    """How fresh and complete the report is, which reads what is kept under these parts of the retention; without any,
    what the analytics keep. To be asked before the report reads: what it tells holds then too."""
    until = await complete_until(info.context.store.reports, scope.tenant_id, scope.now)
    reach = await horizon(info, scope, parts or (Part.ANALYTICS,))
    return Coverage(
        as_of=scope.now,
        complete_until=until,
        reaches_back_to=reach,
        truncated=reach is not None and scope.begins < reach,
    )


async def horizon(info: Info, scope: Scope, parts: Sequence[Part]) -> datetime | None:
    """What lies before may have been deleted; None where nothing ever is."""
    kept = await info.context.store.retention.get(scope.tenant_id)
    return max(filter(None, (kept.span(part).since(scope.now) for part in parts)), default=None)
