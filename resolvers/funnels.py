"""Reports on funnels."""

from typing import Final

import strawberry

from domain.analytics.funnel_question import EventOccurred, FunnelQuestion
from domain.analytics.funnel_walk import OrderMode
from domain.analytics.scope import Scope, UnitKind
from domain.journey import Journey
from domain.journey_filter import JourneyFilter, JourneyOrder
from domain.paging import Page, Rows
from domain.retention import Part
from resolvers.reports import covered, kept, scope_of
from schema import funnel_inputs as asked
from schema.funnel import FunnelReport, ReadyMadeFunnel, TimeToConvertReport
from schema.funnel_inputs import FunnelFigureInput, FunnelInput
from schema.info import Info
from schema.permissions import CanView
from schema.report import Report, ReportInput
from storage.analytics.funnel import funnel, time_to_convert
from storage.analytics.funnel_members import count_members, members

PATH: Final = "funnelStep"  # the argument of `journeys`


def kept_as(question: FunnelQuestion) -> tuple[Part, ...]:
    """What a funnel reads: milestones, and the log where it asks about events."""
    asked = (*question.steps, *question.exclusions)
    events = any(isinstance(each, EventOccurred) for each in asked)
    return (Part.ANALYTICS, Part.EVENTS) if events else (Part.ANALYTICS,)


async def funnel_report(info: Info, scope: Scope, question: FunnelQuestion) -> FunnelReport:
    scope, fresh = await covered(info, scope, *kept_as(question))
    return FunnelReport.of(await funnel(info.context.store.reports, scope, question), question, fresh)


async def conversion_times(info: Info, scope: Scope, question: FunnelQuestion) -> TimeToConvertReport:
    scope, fresh = await covered(info, scope, *kept_as(question))
    return TimeToConvertReport.of(await time_to_convert(info.context.store.reports, scope, question), fresh)


class Behind:
    """The journeys behind a figure of a funnel, as a list that is filtered and ordered as any other."""

    def __init__(self, info: Info, figure: FunnelFigureInput, filter: JourneyFilter) -> None:
        """Raises InvalidInput for what is no figure of a funnel."""
        self._info, self._store, self._filter = info, info.context.store, filter
        self._report = figure.report or ReportInput()
        self._report.require()
        self._question = figure.funnel.to_domain(PATH, "funnel")
        self._pick = figure.pick()
        self._pick.require_in(self._question, PATH)

    async def page(self, order: JourneyOrder, page: Page) -> Rows[Journey]:
        found = await members(
            self._store.reports, await self._scope(), self._question, self._pick, self._filter, order, page
        )
        journeys = await self._store.journeys.many(found.items, self._info.context.identity.tenant_id)
        # One that was deleted a moment ago is left out.
        there = [(each, key) for each, key in zip(journeys, found.keys, strict=True) if each is not None]
        return Rows(
            [each for each, _ in there], [key for _, key in there], found.has_next, found.has_previous
        )

    async def count(self) -> int:
        return await count_members(
            self._store.reports, await self._scope(), self._question, self._pick, self._filter
        )

    async def _scope(self) -> Scope:
        asked = await scope_of(self._info, self._report)
        return await kept(self._info, asked, *kept_as(self._question))


@strawberry.type
class FunnelQueries:
    @strawberry.field(
        description="How many journeys or customers come how far through these steps, such as "
        "`funnel(steps: [{ stage: LEAD }, { stage: CUSTOMER }])` or `funnel(named: ACQUISITION)`. A unit enters with "
        "its first entry of step 1 in the report's range; its later steps count until the window is over, or until "
        "now. With a filter, only what happened in the journeys that it means counts.",
        permission_classes=[CanView],
    )
    async def funnel(
        self,
        info: Info,
        steps: asked.Steps = None,
        named: asked.Named = None,
        window: asked.Window = None,
        unit: asked.Unit = UnitKind.JOURNEY,
        order: asked.Order = OrderMode.ORDERED,
        exclusions: asked.Exclusions = None,
        breakdown: asked.Rows = None,
        report: Report = None,
    ) -> FunnelReport | None:
        given = FunnelInput(
            steps=steps,
            named=named,
            window=window,
            unit=unit,
            order=order,
            exclusions=exclusions,
            breakdown=breakdown,
        )
        return await funnel_report(info, await scope_of(info, report), given.to_domain())

    @strawberry.field(
        description="How long the units take that come through a funnel to its last step: the same funnel, with the "
        "same arguments, as `funnel`.",
        permission_classes=[CanView],
    )
    async def time_to_convert(
        self,
        info: Info,
        steps: asked.Steps = None,
        named: asked.Named = None,
        window: asked.Window = None,
        unit: asked.Unit = UnitKind.JOURNEY,
        order: asked.Order = OrderMode.ORDERED,
        exclusions: asked.Exclusions = None,
        report: Report = None,
    ) -> TimeToConvertReport | None:
        given = FunnelInput(
            steps=steps, named=named, window=window, unit=unit, order=order, exclusions=exclusions
        )
        return await conversion_times(info, await scope_of(info, report), given.to_domain())

    @strawberry.field(
        description="The ready-made funnels with their steps.",
        permission_classes=[CanView],
    )
    async def funnels(self) -> list[ReadyMadeFunnel]:
        return ReadyMadeFunnel.all()
