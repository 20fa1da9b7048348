"""Lengths of time, counted as they come: how they spread."""

from array import array
from datetime import timedelta
from typing import Self

from domain.analytics.quantile import Spread, spread


class Durations:
    """Lengths of time, eight bytes each: percentiles that are exact need them all."""

    def __init__(self) -> None:
        self._seconds = array("d")

    def add(self, length: timedelta) -> None:
        """Count one. Raises ValueError when it is shorter than nothing."""
        if length < timedelta():
            raise ValueError("a length of time is never shorter than nothing")
        self._seconds.append(length.total_seconds())

    def merge(self, other: Self) -> None:
        """Count everything that the other has counted."""
        self._seconds.extend(other._seconds)

    def spread(self, *, reason: str) -> Spread:
        """How those counted so far spread, in seconds; without any there are no figures, for this reason."""
        return spread(self._seconds, reason=reason)
