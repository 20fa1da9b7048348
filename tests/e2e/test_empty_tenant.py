"""A tenant in which nothing has happened has every report: with counts of 0, and figures that say why there is none."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
from graphql import (
    GraphQLField,
    GraphQLObjectType,
    build_client_schema,
    get_introspection_query,
    get_named_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)

from tests.e2e.harness import Client

REPORTS: Final = {  # every report, and the least that has to be said of it
    "attribution": "model: MARKOV",
    "cohortAnalysis": "",
    "cohorts": "",
    "compareAttribution": "",
    "conversionSummary": "",
    "dropOff": "",
    "dropOffAnalysis": "",
    "funnel": "named: ACQUISITION",
    "handoffMetrics": "",
    "metrics": "",
    "revenue": "",
    "sla": "",
    "stageMetrics": "",
    "stepMetrics": 'templateId: "customer_acquisition"',
    "timeToConvert": "named: SUPPORT",
    "trends": "",
}
WITHIN: Final = {"durationWithin": "days: [1, 30]"}  # what has to be said of a field in a report
NO_COUNTS: Final = ("CohortCell.age", "DurationWithin.days", "FunnelStep.number", "StepToStep.number")
PAST: Final = {"since": "2025-01-01T00:00:00Z", "until": "2025-02-01T00:00:00Z"}
ACTIVE: Final = {"status": ["ACTIVE"], "templateId": "customer_acquisition", "customerId": "c1"}


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"range": PAST},
        {"range": {"since": PAST["since"]}, "timeZone": "Europe/Vienna", "weekStart": "SUNDAY"},
        {"filter": ACTIVE},
        {"filter": ACTIVE | {"createdAt": PAST, "search": "nobody"}, "range": PAST},
    ],
)
async def test_an_empty_tenant_has_every_report_without_figures(api: Client, report: dict[str, Any]) -> None:
    fields = await reports(api)
    assert set(fields) == set(REPORTS), "say in REPORTS what the new report is asked with"
    for name, field in fields.items():
        given = f"{REPORTS[name]} report: $report"
        found = await api.ask(
            f"query($report: ReportInput) {{ {name}({given}) {selection(field)} }}", report=report
        )
        leaves = [*nothing_in(found[name], field.type, name)]
        assert [each for each in leaves if each.wrong] == []
        assert leaves or (name == "trends" and "range" not in report), name


async def reports(api: Client) -> dict[str, GraphQLField]:
    """The queries that take what a report is about."""
    schema = build_client_schema(await api.ask(get_introspection_query()))
    assert schema.query_type is not None
    return {name: field for name, field in schema.query_type.fields.items() if "report" in field.args}


def selection(field: GraphQLField) -> str:
    """Everything there is in it."""
    kind = get_named_type(field.type)
    if not isinstance(kind, GraphQLObjectType):
        return ""
    inner = [
        f"{name}({WITHIN[name]}) {selection(each)}" if name in WITHIN else f"{name} {selection(each)}"
        for name, each in kind.fields.items()
    ]
    return f"{{ {' '.join(inner)} }}"


@dataclass(frozen=True)
class Leaf:
    """A count, a figure or an amount of money in a report."""

    place: str
    value: Any
    wrong: bool


def nothing_in(value: Any, kind: Any, place: str, field: str = "") -> Iterator[Leaf]:
    """Whether each count is 0 and each figure null for a reason; money is null, and nothing else is left out."""
    may_be_null = not is_non_null_type(kind)
    kind = kind if may_be_null else kind.of_type
    if is_list_type(kind):
        for n, each in enumerate(value):
            yield from nothing_in(each, kind.of_type, f"{place}.{n}", field)
    elif kind.name == "Figure":
        yield Leaf(place, value, value is None or value["value"] is not None or not value["reason"])
    elif is_object_type(kind):
        assert value is not None, place
        for name, each in kind.fields.items():
            yield from nothing_in(value[name], each.type, f"{place}.{name}", f"{kind.name}.{name}")
    elif kind.name in ("Int", "Float") and field not in NO_COUNTS:
        yield Leaf(place, value, value != 0 and not (may_be_null and value is None))
    elif kind.name == "Money":
        yield Leaf(place, value, value is not None)
