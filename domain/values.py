"""Small values that several parts of the domain share: JSON, money, and times that fit the database."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
else:
    Json: TypeAlias = Any  # whoever reads annotations at run time need not follow the recursion
JsonObject: TypeAlias = dict[str, Json]


def milliseconds(at: datetime) -> datetime:
    """The instant in UTC, cut to the millisecond that MongoDB keeps."""
    at = at.astimezone(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def timestamp(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: a text that sorts as the time does."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


UNITS_PER_ONE = 10_000
_MONEY = re.compile(r"(-?\d{1,12})(?:\.(\d{1,4}))? ([A-Z]{3})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one currency: whole ten-thousandths, so that sums are exact in the database too."""

    units: int
    currency: str  # ISO 4217

    @property
    def amount(self) -> Decimal:
        return Decimal(self.units) / UNITS_PER_ONE

    def __str__(self) -> str:
        """`49.90 EUR`: at least two decimals, at most four."""
        whole, part = divmod(abs(self.units), UNITS_PER_ONE)
        decimals = f"{part:04d}".rstrip("0").ljust(2, "0")
        return f"{'-' if self.units < 0 else ''}{whole}.{decimals} {self.currency}"

    @classmethod
    def parse(cls, text: str) -> "Money":
        """The reverse of `str`. Raises ValueError for anything else."""
        match = _MONEY.fullmatch(text)
        if match is None:
            raise ValueError(
                "money is an amount with at most four decimals, a space and a currency: 49.90 EUR"
            )
        whole, part, currency = match.groups()
        units = abs(int(whole)) * UNITS_PER_ONE + int((part or "").ljust(4, "0"))
        return cls(-units if whole.startswith("-") else units, currency)
