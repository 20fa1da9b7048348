"""Shapley values of the keys, where a set of keys is worth the conversions whose paths need no other key.

Such a game is a sum of unanimity games, one for each conversion, and in a unanimity game the players that are needed
share equally. So the value is exact for any number of keys, without a look at their subsets: each conversion is
divided equally among the distinct keys on its path.

Sources: L. S. Shapley, A Value for n-Person Games, Contributions to the Theory of Games II (1953), on unanimity games;
K. Zhao, S. H. Mahboobi, S. R. Bagheri, Shapley Value Methods for Attribution Modeling in Online Advertising (2018).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from domain.analytics.credit import Credit, credit
from domain.analytics.path import Key, PathCount


def split(keys: Sequence[Key]) -> dict[Key, float]:
    """The parts of one conversion, in the order of the keys; they add up to 1. Nothing for an empty path."""
    distinct = dict.fromkeys(keys)
    return dict.fromkeys(distinct, 1 / len(distinct)) if distinct else {}


def attribute(paths: Iterable[PathCount]) -> dict[Key, Credit]:
    """Each key's Shapley value in conversions and in value, null without a conversion to divide.

    Paths without a conversion name keys and change nothing else; conversions without a contact are left out.
    """
    conversions: defaultdict[Key, float] = defaultdict(float)
    values: defaultdict[Key, float] = defaultdict(float)
    divided = 0
    for path in paths:
        divided += path.conversions if path.keys else 0
        for key, part in split(path.keys).items():
            conversions[key] += part * path.conversions
            values[key] += part * path.value
    return {key: credit(conversions[key], values[key], of=divided) for key in conversions}
