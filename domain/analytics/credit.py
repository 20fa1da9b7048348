"""What attribution gives to a key: the credit of the conversions divided, and why there may be none."""

from dataclasses import dataclass
from typing import Final

from domain.analytics.figure import Figure, ratio

NOTHING_TO_DIVIDE: Final = "no conversion has a touchpoint in its lookback"


@dataclass(frozen=True, slots=True)
class Credit:
    """One key's part of the conversions that have a touchpoint. Nothing is rounded.

    `conversions`: credited conversions; over all keys they add up to the conversions divided.
    `value`: credited value, in the unit the conversions' values have; it adds up in the same way.
    `share`: credited conversions / conversions divided, from 0 to 1.
    `removal_effect`: Markov only: the part of the conversions that would be lost without this key, from 0 to 1.
    """

    conversions: Figure
    value: Figure
    share: Figure
    removal_effect: Figure | None = None


def credit(conversions: float, value: float, *, of: int) -> Credit:
    """The credit of one key, where `of` conversions were divided; null, with the reason, where there were none."""
    if not of:
        nothing = Figure(reason=NOTHING_TO_DIVIDE)
        return Credit(nothing, nothing, nothing)
    return Credit(Figure(conversions), Figure(value), ratio(conversions, of, reason=NOTHING_TO_DIVIDE))
