"""JSON that the database can keep: at most 32 levels, keys without what it takes for its own words, 64-bit numbers."""

from collections.abc import Iterable
from typing import Final

from domain.errors import Problem

MAX_LEVELS: Final = 32
TOO_DEEP: Final = f"The JSON has more than {MAX_LEVELS} levels."
ODD_KEY: Final = "A key in JSON is not empty, has no NUL and does not begin with $."
ODD_NUMBER: Final = "A number in JSON lies within those of 64 bits."


def json_problems(value: object, path: tuple[str, ...] = ()) -> list[Problem]:
    """Every reason why the value cannot be kept, each with its path; of what lies too deep only that it does."""
    found: list[Problem] = []
    if not _fits(value, MAX_LEVELS):  # paths are only for what has a problem: most has none
        _look(value, path, MAX_LEVELS, found)
    return found


def _fits(value: object, levels: int) -> bool:
    inside: Iterable[object]
    if isinstance(value, dict):
        if not all(value) or any(key[0] == "$" or "\0" in key for key in value):
            return False
        inside = value.values()
    elif isinstance(value, list):
        inside = value
    else:
        return not isinstance(value, int | float) or -(2**63) < value < 2**63
    if levels == 1:
        return not value
    return all(isinstance(inner, str) or _fits(inner, levels - 1) for inner in inside)


def _look(value: object, path: tuple[str, ...], levels: int, found: list[Problem]) -> None:
    if levels == 0:
        found.append(Problem(TOO_DEEP, path))
    elif isinstance(value, dict):
        for key, inner in value.items():
            if not key or "\0" in key or key.startswith("$"):
                found.append(Problem(ODD_KEY, (*path, key)))
            else:
                _look(inner, (*path, key), levels - 1, found)
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            _look(inner, (*path, str(n)), levels - 1, found)
    elif isinstance(value, int | float) and not -(2**63) < value < 2**63:
        found.append(Problem(ODD_NUMBER, path))
