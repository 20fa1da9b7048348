"""Pages: cursors that come back as they were, and rows that are neither lost nor doubled."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadCursor, InvalidInput
from domain.paging import DEFAULT_PAGE, MAX_PAGE, Page, Rows, decode_cursor, encode_cursor, rows

keys = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=400)


def read(every: list[str], page: Page) -> Rows[str]:
    """One page of keys from new to old, as a database would serve it."""
    found = sorted(every, reverse=not page.backwards)
    found = [key for key in found if page.after is None or key < page.after]
    found = [key for key in found if page.before is None or key > page.before]
    found = found[: page.limit + 1]
    return rows(page, found, found)


@given(keys)
def test_a_cursor_is_read_as_it_was_written(key: str) -> None:
    assert decode_cursor(encode_cursor(key), "after") == key


@given(st.text(max_size=40))
def test_any_other_text_is_no_cursor(text: str) -> None:
    with suppress(BadCursor):
        key = decode_cursor(text, "after")
        assert key is not None
        assert encode_cursor(key) == text


@pytest.mark.parametrize("text", ["", "?", "YQ==", "YQ\n", "YR", "w6Q", "é", "AA"])
def test_a_cursor_that_nobody_gave_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadCursor) as refused:
        decode_cursor(text, "after")
    assert refused.value.problems[0].path == ("after",)


@given(st.sets(keys, max_size=12), st.integers(1, 5), st.booleans())
def test_page_by_page_every_row_is_read_once(every: set[str], size: int, backwards: bool) -> None:
    read_so_far: list[str] = []
    page = Page(size, backwards)
    while True:
        got = read(list(every), page)
        read_so_far = got.items + read_so_far if backwards else read_so_far + got.items
        more, other = (got.has_previous, got.has_next) if backwards else (got.has_next, got.has_previous)
        assert other is (len(read_so_far) > len(got.items))
        if not more:
            break
        edge = got.keys[0 if backwards else -1]
        page = Page(size, True, before=edge) if backwards else Page(size, after=edge)
    assert read_so_far == sorted(every, reverse=True)


@pytest.mark.parametrize(
    ("asked", "name"), [({"first": 0}, "first"), ({"last": 101}, "last"), ({"first": 1, "last": 1}, "last")]
)
def test_a_page_has_1_to_100_rows_from_one_end(asked: dict[str, Any], name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Page.of(**asked)
    assert refused.value.problems[0].path == (name,)


def test_a_page_is_of_25_rows_where_nobody_says() -> None:
    assert Page.of() == Page(DEFAULT_PAGE)
    assert Page.of(last=MAX_PAGE) == Page(MAX_PAGE, backwards=True)
