"""How often and how long a partner is tried, and how far a tenant may go with that."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from domain.errors import Problem

MAX_ATTEMPTS: Final = 10
LONGEST_ATTEMPT: Final = timedelta(minutes=5)
LONGEST_ROUND: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How often and how long a partner is tried."""

    attempts: int = 3  # the first counts
    attempt_time: timedelta = timedelta(seconds=30)
    total_time: timedelta = timedelta(minutes=5)  # all attempts of a round, from the first on
    answer_time: timedelta | None = None  # for the result after a 202


def limit_problems(limits: Limits) -> list[Problem]:
    """Every limit that is out of bounds."""
    found: list[Problem] = []
    if not 1 <= limits.attempts <= MAX_ATTEMPTS:
        found.append(Problem(f"1 to {MAX_ATTEMPTS} attempts.", ("limits", "attempts")))
    for name, value, longest in (
        ("attemptTime", limits.attempt_time, LONGEST_ATTEMPT),
        ("totalTime", limits.total_time, LONGEST_ROUND),
    ):
        if not timedelta(0) < value <= longest:
            found.append(Problem(f"More than nothing, at most {longest}.", ("limits", name)))
    if limits.answer_time is not None and limits.answer_time <= timedelta(0):
        found.append(Problem("More than nothing.", ("limits", "answerTime")))
    return found
