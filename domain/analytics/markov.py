"""Attribution by a Markov chain of order 1: what a key is worth is what would be lost without it.

From the start each path goes from key to key until it converts or is lost. A key's removal effect is the part of the
conversions that is lost when every path that comes to it ends there; the shares are the removal effects, normalised.

Sources: E. Anderl, I. Becker, F. von Wangenheim, J. H. Schumann, Mapping the Customer Journey (2014), on the removal
effect; J. G. Kemeny, J. L. Snell, Finite Markov Chains (1960), chapter III, on the fundamental matrix.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.analytics.credit import Credit, credit
from domain.analytics.figure import Figure
from domain.analytics.path import Key, PathCount

MOST_KEYS: Final = 2000
TOO_MANY_KEYS: Final = f"more than {MOST_KEYS} keys are too many for a Markov chain"


class Chain:
    """How often one key follows another. Its memory grows with the pairs that occur, never with the paths."""

    def __init__(self) -> None:
        self.conversions = 0
        self.value = 0.0
        self._keys: dict[Key, int] = {}
        self._first: Counter[int] = Counter()
        self._steps: Counter[tuple[int, int]] = Counter()
        self._converted: Counter[int] = Counter()
        self._left: Counter[int] = Counter()

    def add(self, path: PathCount) -> None:
        """Count these paths. Those without a contact have nothing to attribute and are left out."""
        count = path.conversions + path.nulls
        if not path.keys or not count:
            return
        way = [self._keys.setdefault(key, len(self._keys)) for key in path.keys]
        self._first[way[0]] += count
        for here, there in pairwise(way):
            self._steps[here, there] += count
        for here in way:
            self._left[here] += count
        self._converted[way[-1]] += path.conversions
        self.conversions += path.conversions
        self.value += path.value

    def credits(self) -> dict[Key, Credit]:
        """Each key's removal effect and its part of the conversions and of their value.

        All are null, with the reason, when no path converts or there are more than MOST_KEYS keys.
        The work grows with the cube of the number of keys: hundreds take a fraction of a second.
        """
        if not self.conversions:
            nothing = credit(0, 0, of=0)
            return dict.fromkeys(self._keys, replace(nothing, removal_effect=nothing.share))
        if len(self._keys) > MOST_KEYS:
            unknown = Figure(reason=TOO_MANY_KEYS)
            return dict.fromkeys(self._keys, Credit(unknown, unknown, unknown, unknown))
        effects = self._removal_effects()
        shares = effects / effects.sum()
        return {
            key: Credit(
                conversions=Figure(float(share * self.conversions)),
                value=Figure(float(share * self.value)),
                share=Figure(float(share)),
                removal_effect=Figure(float(effect)),
            )
            for key, share, effect in zip(self._keys, shares, effects, strict=True)
        }

    def _removal_effects(self) -> NDArray[np.float64]:
        """1 - P(conversion without the key) / P(conversion), for all keys with one inverse.

        Lost without a key are the paths that come to it and then convert: P(ever there) · P(conversion from there).
        With the fundamental matrix N = (I - Q)⁻¹ and the start s: P(ever at i) = (s N)ᵢ / Nᵢᵢ, and x = N r solves
        (I - Q) x = r for the probabilities of converting. Every key is left for good at some time, so N exists.
        """
        size = len(self._keys)
        left = _row(self._left, size)
        steps = np.zeros((size, size))
        for (here, there), count in self._steps.items():
            steps[here, there] = count
        fundamental = np.linalg.inv(np.eye(size) - steps / left[:, None])
        converting = fundamental @ (_row(self._converted, size) / left)
        start = _row(self._first, size) / self._first.total()
        reached = start @ fundamental / np.diagonal(fundamental)
        effects: NDArray[np.float64] = reached * converting / (start @ converting)
        return effects


def _row(counts: Counter[int], size: int) -> NDArray[np.float64]:
    return np.array([counts[each] for each in range(size)], dtype=np.float64)


def attribute(paths: Iterable[PathCount]) -> dict[Key, Credit]:
    """The credits of these paths. Paths that do not convert count in the chain; see `Chain.credits` for nulls."""
    chain = Chain()
    for path in paths:
        chain.add(path)
    return chain.credits()
