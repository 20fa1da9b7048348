"""Text search by folded words and their beginnings: `Müller` is found by `mull`.

Case and accents do not matter. Every word of the query must be the beginning of a word of the text.
"""

import re
import unicodedata
from collections.abc import Iterable

SHORTEST_PREFIX, LONGEST_PREFIX = 2, 8
MOST_WORDS = 24  # of one text: what the index carries for it is bounded
MOST_QUERY_WORDS = 8

_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """The words of a text, folded, in order."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return _WORD.findall(plain.casefold())


def tokens(texts: Iterable[str | None]) -> list[str]:
    """What the index holds of these texts: each word, and its beginnings, once."""
    every = dict.fromkeys(word[:64] for text in texts if text for word in words(text))
    found: dict[str, None] = {}
    for word in list(every)[:MOST_WORDS]:
        for length in range(SHORTEST_PREFIX, min(LONGEST_PREFIX, len(word)) + 1):
            found[word[:length]] = None
        found[word] = None
    return list(found)


def query_tokens(query: str) -> list[str]:
    """The tokens that a text must all hold to match. Longer words must be whole."""
    return list(dict.fromkeys(word[:64] for word in words(query)))[:MOST_QUERY_WORDS]
