"""A figure of a report: a number, or nothing and the reason why."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` is None exactly where a reason is given."""

    value: float | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason is None):
            raise ValueError("a figure has either a value or a reason")


def ratio(part: float, whole: float, *, reason: str) -> Figure:
    """part / whole; where the whole is 0 there is none, for this reason."""
    return Figure(part / whole) if whole else Figure(reason=reason)
