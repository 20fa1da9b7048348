"""What an export remembers is what was asked, whatever that was."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from hypothesis import given as for_any
from hypothesis import strategies as st

from app.export_download import asked
from app.graphql import build
from domain.analytics.attribution import Model
from domain.analytics.funnel_question import Outcome
from domain.analytics.periods import Period, Weekday
from domain.condition import Operator
from domain.export import Format, What
from domain.journey import Status
from domain.journey_filter import JourneyOrder
from schema.condition import ConditionInput
from schema.export_inputs import (
    ExportAttributionInput,
    ExportCohortsInput,
    ExportComparisonInput,
    RequestExportInput,
)
from schema.funnel_inputs import FunnelFigureInput, FunnelInput, FunnelRowsInput, FunnelStepInput
from schema.journey_inputs import JourneyFilterInput, TimeRangeInput
from schema.plain import given
from schema.report import ReportInput
from schema.scalars import JSON

SCHEMA = build()

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=5)
keys = st.text("abc.", min_size=1, max_size=3)
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | texts
jsons = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=5)
times = st.integers(0, 4_000_000_000_000).map(
    lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)
lengths = st.integers(0, 8_000_000_000_000).map(lambda ms: timedelta(milliseconds=ms))


def maybe(kind: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | kind


conditions = st.builds(
    ConditionInput, field=texts, operator=st.sampled_from(Operator), value=maybe(jsons.map(JSON))
)
steps = st.builds(
    FunnelStepInput, event_type=maybe(texts), conditions=maybe(st.lists(conditions, max_size=2))
)
funnels = st.builds(FunnelInput, steps=maybe(st.lists(steps, max_size=2)), window=maybe(lengths))
ranges = st.builds(TimeRangeInput, since=maybe(times), until=maybe(times))
filters = st.builds(
    JourneyFilterInput,
    status=maybe(st.lists(st.sampled_from(Status))),
    customer_id=maybe(texts),
    created_at=maybe(ranges),
)
reports = st.builds(
    ReportInput, range=maybe(ranges), week_start=st.sampled_from(Weekday), filter=maybe(filters)
)
figures = st.builds(
    FunnelFigureInput,
    funnel=funnels,
    report=maybe(reports),
    step=st.integers(-9, 9),
    outcome=st.sampled_from(Outcome),
    rows=maybe(st.builds(FunnelRowsInput, values=st.lists(texts), without=st.booleans())),
)
inputs = st.builds(
    RequestExportInput,
    what=st.sampled_from(What),
    format=st.sampled_from(Format),
    journeys=maybe(filters),
    funnel_step=maybe(figures),
    order_by=maybe(st.sampled_from(JourneyOrder)),
    report=maybe(reports),
    funnel=maybe(funnels),
    cohorts=maybe(st.builds(ExportCohortsInput, period=st.sampled_from(Period), ages=st.integers(1, 9))),
    attribution=maybe(st.builds(ExportAttributionInput, model=st.sampled_from(Model), lookback=lengths)),
    compare_attribution=maybe(
        st.builds(ExportComparisonInput, models=maybe(st.lists(st.sampled_from(Model))))
    ),
)


@for_any(inputs)
def test_what_is_remembered_is_what_was_asked(input: RequestExportInput) -> None:
    assert asked(SCHEMA, given(input)) == input
    assert asked(SCHEMA, orjson.loads(orjson.dumps(given(input)))) == input
