"""Search: what is found by which beginnings of words, and what the index may cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.search import (
    LONGEST_PREFIX,
    MOST_QUERY_WORDS,
    MOST_WORDS,
    SHORTEST_PREFIX,
    query_tokens,
    tokens,
    words,
)


def is_found(text: str, query: str) -> bool:
    asked = query_tokens(query)
    return bool(asked) and set(asked) <= set(tokens([text]))


@given(st.text(max_size=60))
def test_every_beginning_of_2_to_8_letters_of_every_word_is_found(text: str) -> None:
    for word in list(dict.fromkeys(words(text)))[:MOST_WORDS]:
        for length in range(SHORTEST_PREFIX, min(LONGEST_PREFIX, len(word)) + 1):
            assert is_found(text, word[:length])
        assert is_found(text, word)


@given(st.lists(st.text(st.characters(categories=["Ll", "Lu", "Nd"]), min_size=1), min_size=1, max_size=8))
def test_a_text_is_found_by_its_own_words_in_any_order(found: list[str]) -> None:
    text = " ".join(found)
    assert is_found(text, " ".join(reversed(found))) is bool(words(text))


@given(st.text())
def test_words_are_folded_once_and_for_all(text: str) -> None:
    once = words(text)
    assert [again for word in once for again in words(word)] == once


@pytest.mark.parametrize(
    ("text", "query", "verdict"),
    [
        ("Müller Fiber", "mull", True),
        ("Müller Fiber", "MÜLLER", True),
        ("Müller Fiber", "fib müll", True),
        ("Müller Fiber", "uller", False),
        ("Müller Fiber", "mull dsl", False),
        ("Straße", "strasse", True),
        ("lead_123-AB", "123", True),
        ("lead_123-AB", "lead 123 ab", True),
        ("installation", "installa", True),
        ("installation", "installat", False),
        ("installation", "installation", True),
        ("a fiber", "a", True),
        ("fiber", "f", False),
        ("東京都", "東京", True),
        ("fiber", "", False),
        ("fiber", "- _ !", False),
    ],
)
def test_a_query_finds_what_the_table_says(text: str, query: str, verdict: bool) -> None:
    assert is_found(text, query) is verdict


@given(st.lists(st.none() | st.text(max_size=400), max_size=8))
def test_what_the_index_holds_is_bounded_and_each_once(texts: list[str | None]) -> None:
    held = tokens(texts)
    assert len(held) == len(set(held))
    assert len(held) <= MOST_WORDS * (LONGEST_PREFIX - SHORTEST_PREFIX + 2)
    assert all(0 < len(token) <= 64 for token in held)


def test_a_word_of_more_than_64_letters_is_still_found_whole() -> None:
    assert is_found("x" * 100, "x" * 100)


def test_a_query_is_cut_to_its_first_words() -> None:
    assert query_tokens(" ".join(f"w{n}" for n in range(20))) == [f"w{n}" for n in range(MOST_QUERY_WORDS)]
