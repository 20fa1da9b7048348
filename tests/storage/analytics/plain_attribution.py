"""What an attribution is to find, by one loop after the other, and reports to be compared by their figures."""

from dataclasses import dataclass
from typing import Any

import pytest

from domain.analytics.attribution import Report, compare
from domain.analytics.credit import Credit
from domain.analytics.path import Conversion, Path, Touch, paths
from domain.analytics.question import Question
from domain.analytics.scope import Scope
from domain.record_events import ConversionAdded, TouchpointAdded
from tests.storage.analytics.records import JOURNEYS, whose


@dataclass(frozen=True)
class Plain:
    """The records, and what is asked of them."""

    touchpoints: list[TouchpointAdded]
    conversions: list[ConversionAdded]
    scope: Scope
    question: Question

    def meant(self, each: ConversionAdded) -> bool:
        template = self.scope.filter.template_id
        named = template is None or (each.journey_id is not None and JOURNEYS[each.journey_id] == template)
        return named and self.question.kind in (None, each.kind)

    def counted(self, each: ConversionAdded) -> bool:
        return self.meant(each) and (each.value is None or each.value.currency == self.question.currency)

    def in_range(self, each: ConversionAdded) -> bool:
        since, until = self.scope.since, self.scope.until
        return (since is None or since <= each.at) and (until is None or each.at < until)

    def paths(self) -> list[Path]:
        owners = {*map(whose, self.touchpoints), *map(whose, self.conversions)} - {None}
        found = []
        for owner in sorted(map(str, owners)):
            touches = [
                Touch(each.at, getattr(each, self.question.by.value), each.channel)
                for each in self.touchpoints
                if whose(each) == owner
            ]
            converted = [
                Conversion(each.at, each.value.units if each.value else 0, counted=self.counted(each))
                for each in self.conversions
                if whose(each) == owner
            ]
            lookback, since, until = self.question.lookback, self.scope.since, self.scope.until
            found += paths(touches, converted, lookback=lookback, since=since, until=until)
        return found

    def report(self) -> Report:
        return compare(self.paths(), half_life=self.question.half_life, direct=self.question.direct)

    def valued(self) -> int:
        counted = filter(self.counted, self.conversions)
        return sum(
            each.value is not None and self.in_range(each) and whose(each) is not None for each in counted
        )

    def left_out(self) -> dict[str, list[int]]:
        others: dict[str, list[int]] = {}
        for each in self.conversions:
            other = each.value is not None and each.value.currency != self.question.currency
            if other and self.meant(each) and self.in_range(each) and whose(each) is not None:
                assert each.value is not None
                others.setdefault(each.value.currency, []).append(each.value.units)
        return others


def shown(report: Report) -> dict[str, Any]:
    """Every figure, to the precision in which sums in another order agree."""

    def figures(credit: Credit) -> list[Any]:
        each = (credit.conversions, credit.value, credit.share, credit.removal_effect)
        return [None if figure is None else (figure.value, figure.reason) for figure in each]

    return {
        "rows": {
            row.key: (row.conversions, {str(model): figures(each) for model, each in row.credits.items()})
            for row in report.rows
        },
        "conversions": report.conversions,
        "unattributed": (report.unattributed, report.unattributed_reason),
        "attributed": (report.attributed.value, report.attributed.reason),
    }


def approximate(value: Any) -> Any:
    match value:
        case dict():
            return {key: approximate(each) for key, each in value.items()}
        case list() | tuple():
            return type(value)(approximate(each) for each in value)
        case float():
            return pytest.approx(value, rel=1e-9, abs=1e-6)
        case _:
            return value
