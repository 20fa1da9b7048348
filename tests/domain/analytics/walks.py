"""Whatever units may do in whatever funnel: few steps and few hours, so that times and steps often meet."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from domain.analytics.funnel import Unit
from domain.analytics.funnel_walk import FunnelPlan, Moment, OrderMode

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
STEPS = 4


def hour(number: float) -> datetime:
    return MONDAY + number * HOUR


def moment(at: float, *steps: int, order: str = "", excluded: bool = False) -> Moment:
    return Moment(hour(at), order, frozenset(steps), excluded)


hours = st.integers(0, 12)
times = hours.map(hour)
moments = st.builds(
    Moment,
    times,
    st.sampled_from("abc"),
    st.frozensets(st.integers(1, STEPS + 1), max_size=3),
    st.sampled_from((False,) * 7 + (True,)),
)


@st.composite
def units(draw: st.DrawFn) -> Unit:
    """A unit whose moments all have a place of their own in its order."""
    done = draw(st.lists(moments, max_size=8, unique_by=lambda each: (each.at, each.order)))
    ended_at = draw(st.none() | times)
    return Unit(
        str(draw(st.integers(0, 99))), done, ended_at, draw(st.sampled_from((None, "north", "south")))
    )


@st.composite
def plans(draw: st.DrawFn) -> FunnelPlan:
    since, length = draw(st.none() | hours), draw(st.none() | st.integers(1, 12))
    return FunnelPlan(
        steps=draw(st.integers(1, STEPS)),
        window=draw(st.none() | st.integers(1, 12).map(lambda number: number * HOUR)),
        order=draw(st.sampled_from(OrderMode)),
        since=None if since is None else hour(since),
        until=None if length is None else hour((since or 0) + length),
    )
