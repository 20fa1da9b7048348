"""Attribution: which contacts earned a conversion, by eight models side by side.

The credits of one conversion add up to 1, and their values to its value. They are floating-point numbers and are
never rounded here, so that sums keep their cents: whoever shows them rounds each figure once.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.analytics import shapley
from domain.analytics.credit import Credit, credit
from domain.analytics.figure import Figure, ratio
from domain.analytics.markov import Chain
from domain.analytics.path import LOOKBACK, Key, Path, Touch, counted, ordered, require_length, within

HALF_LIFE: Final = timedelta(days=7)
DIRECT: Final = "direct"
ENDS: Final = 0.4  # of a position-based credit: to the first contact, and to the last
NO_TOUCH: Final = "no touchpoint in the lookback"
NO_CONVERSION: Final = "no conversion"


class Model(StrEnum):
    """How the credit of a conversion is divided among the contacts of its path."""

    FIRST = "first"  # all to the first
    LAST = "last"  # all to the last
    LAST_NON_DIRECT = "last_non_direct"  # all to the last that was not direct; to the last where all were
    LINEAR = "linear"  # equally
    TIME_DECAY = "time_decay"  # by 2^(-age / half-life)
    POSITION_BASED = "position_based"  # 40 % to the first, 40 % to the last, 20 % equally to those between
    MARKOV = "markov"  # by removal effect, over all paths together
    SHAPLEY = "shapley"  # equally among the distinct keys


def credits(
    model: Model,
    touches: Iterable[Touch],
    converted_at: datetime,
    lookback: timedelta = LOOKBACK,
    half_life: timedelta = HALF_LIFE,
    direct: str = DIRECT,
) -> dict[Key, float]:
    """The parts of one conversion by key, adding up to 1: of the touches in (converted_at - lookback, converted_at].

    Touches at the same time count in the order given. Every key on the path is named, also with 0. No touch: nothing.
    Raises InvalidInput when the lookback or half-life is not longer than nothing, and ValueError for the Markov model,
    which divides all conversions together and none alone.
    """
    require_length(lookback, "lookback")
    require_length(half_life, "halfLife")
    contacts = ordered(touches)
    return _divide(model, contacts[within(contacts, converted_at, lookback)], half_life, direct)


def _divide(model: Model, path: Sequence[Touch], half_life: timedelta, direct: str) -> dict[Key, float]:
    if model is Model.SHAPLEY:
        return shapley.split([touch.key for touch in path])
    weights = _weights(model, path, half_life, direct) if path else []
    total = sum(weights)
    parts: defaultdict[Key, float] = defaultdict(float)
    for touch, weight in zip(path, weights, strict=True):
        parts[touch.key] += weight / total
    return dict(parts)


def _weights(model: Model, path: Sequence[Touch], half_life: timedelta, direct: str) -> list[float]:
    """How much each contact counts, in relation to the others."""
    last = len(path) - 1
    match model:
        case Model.FIRST:
            return _all_to(0, path)
        case Model.LAST:
            return _all_to(last, path)
        case Model.LAST_NON_DIRECT:
            earned = (n for n in range(last, -1, -1) if (path[n].channel or path[n].key) != direct)
            return _all_to(next(earned, last), path)
        case Model.LINEAR:
            return [1.0] * len(path)
        case Model.TIME_DECAY:
            # The age before the last contact instead of the conversion: the factor between them cancels out,
            # and the last one always counts, however short the half-life.
            return [2.0 ** -((path[last].at - touch.at) / half_life) for touch in path]
        case Model.POSITION_BASED:
            between = [(1 - 2 * ENDS) / (last - 1)] * (last - 1) if last > 1 else []
            return [ENDS, *between, ENDS] if last else [1.0]
        case Model.MARKOV | Model.SHAPLEY:
            raise ValueError(f"{model} does not weigh one path by its contacts")


def _all_to(winner: int, path: Sequence[Touch]) -> list[float]:
    return [float(n == winner) for n in range(len(path))]


@dataclass(frozen=True, slots=True)
class Row:
    """One key: the conversions that have it on their path, and what each model credits it with."""

    key: Key
    conversions: int
    credits: Mapping[Model, Credit]


@dataclass(frozen=True, slots=True)
class Report:
    """All models side by side, a row for each key in its order (None last).

    `conversions` and `value` are of all conversions; those without a touchpoint in the lookback are `unattributed`, for
    `unattributed_reason`, and no row counts them. `attributed` is the part of the conversions that the rows divide,
    from 0 to 1; null without a conversion. Credits are null with a reason when nothing can be divided.
    """

    rows: tuple[Row, ...]
    conversions: int
    value: float
    attributed: Figure
    unattributed: int
    unattributed_value: float
    unattributed_reason: str | None


class Tally:
    """Adds up paths one at a time. Its memory grows with the keys, and for Markov with the pairs that follow each
    other, never with the number of paths. Raises InvalidInput when the half-life is not longer than nothing.
    """

    def __init__(
        self, models: Iterable[Model] = Model, *, half_life: timedelta = HALF_LIFE, direct: str = DIRECT
    ) -> None:
        require_length(half_life, "halfLife")
        self._models = tuple(models)
        self._half_life = half_life
        self._direct = direct
        self._chain = Chain()
        self._keys: Counter[Key] = Counter()  # the conversions with this key on their path
        self._credited: defaultdict[tuple[Model, Key], float] = defaultdict(float)
        self._values: defaultdict[tuple[Model, Key], float] = defaultdict(float)
        self._conversions = self._unattributed = 0
        self._value = self._unattributed_value = 0.0

    def add(self, path: Path) -> None:
        """Divide the path's conversion among its keys by each model, or count it as one that did not convert."""
        self._keys.update(dict.fromkeys(path.keys, 0 if path.conversion is None else 1))
        if Model.MARKOV in self._models:
            self._chain.add(counted(path))
        if path.conversion is None:
            return
        value = path.conversion.value
        self._conversions += 1
        self._value += value
        if not path.touches:
            self._unattributed += 1
            self._unattributed_value += value
        for model in self._models:
            if model is not Model.MARKOV:
                for key, part in _divide(model, path.touches, self._half_life, self._direct).items():
                    self._credited[model, key] += part
                    self._values[model, key] += part * value

    def report(self) -> Report:
        """What was added so far."""
        markov = self._chain.credits()
        divided = self._conversions - self._unattributed

        def credited(model: Model, key: Key) -> Credit:
            if model is Model.MARKOV:
                return markov[key]
            return credit(self._credited[model, key], self._values[model, key], of=divided)

        return Report(
            rows=tuple(
                Row(key, self._keys[key], {model: credited(model, key) for model in self._models})
                for key in sorted(self._keys, key=lambda key: (key is None, key or ""))
            ),
            conversions=self._conversions,
            value=self._value,
            attributed=ratio(divided, self._conversions, reason=NO_CONVERSION),
            unattributed=self._unattributed,
            unattributed_value=self._unattributed_value,
            unattributed_reason=NO_TOUCH if self._unattributed else None,
        )


def compare(
    paths: Iterable[Path],
    models: Iterable[Model] = Model,
    *,
    half_life: timedelta = HALF_LIFE,
    direct: str = DIRECT,
) -> Report:
    """Each model's credits by key, over a stream of paths of one tenant. Nothing to divide gives nulls, no error.

    Raises InvalidInput when the half-life is not longer than nothing.
    """
    tally = Tally(models, half_life=half_life, direct=direct)
    for path in paths:
        tally.add(path)
    return tally.report()
