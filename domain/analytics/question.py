"""What an attribution is asked for: of which conversions, to what, by which models; and what it answers."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from domain.analytics.attribution import DIRECT, HALF_LIFE, Model, Report
from domain.analytics.path import LOOKBACK, require_length
from domain.analytics.revenue import LeftOut
from domain.errors import InvalidInput
from domain.values import Money

CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)


class By(StrEnum):
    """What of a contact is credited. The value is its name in a record."""

    CHANNEL = "channel"
    SOURCE = "source"
    CAMPAIGN = "campaign"
    TYPE = "kind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be attributed: the conversions of this kind, or of any, in this currency, or in the usual one.

    Raises InvalidInput without a model, for a length of time that is none, and a currency that is none.
    """

    models: tuple[Model, ...]
    by: By = By.CHANNEL
    lookback: timedelta = LOOKBACK
    half_life: timedelta = HALF_LIFE
    direct: str = DIRECT
    currency: str | None = None
    kind: str | None = None

    def __post_init__(self) -> None:
        if not self.models:
            raise InvalidInput("A model is needed.", "models")
        require_length(self.lookback, "lookback")
        require_length(self.half_life, "halfLife")
        require_currency(self.currency)


@dataclass(frozen=True, slots=True)
class Attributed:
    """The report, and what its conversions are worth.

    `currency` is None where none was asked for and nothing has a value. `valued`: how many of the conversions have one;
    the others count with 0. The values are None where none has. `left_out`: conversions that would be meant but for
    their currency, in the order of currencies; they have no path.
    """

    report: Report
    currency: str | None
    valued: int
    value: Money | None
    unattributed_value: Money | None
    left_out: tuple[LeftOut, ...]


def require_currency(currency: str | None) -> None:
    """Raises InvalidInput for a currency that is none."""
    if currency is not None and not CURRENCY.fullmatch(currency):
        raise InvalidInput("A currency has three capital letters, as in ISO 4217: EUR.", "currency")
