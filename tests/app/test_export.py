"""The endpoint inside a process: what it accepts, how many it serves at once, and clients that take nothing."""

from contextlib import ExitStack

import pytest

from app.export import DOWNLOADS, DOWNLOADS_OF_A_TENANT, Room, accepts_gzip
from domain.errors import Unavailable


def test_a_tenant_has_a_few_downloads_at_once_and_leaves_room_for_others() -> None:
    room = Room()
    with ExitStack() as stack:
        for _ in range(DOWNLOADS_OF_A_TENANT):
            stack.enter_context(room.taken("a"))
        with pytest.raises(Unavailable), room.taken("a"):
            pass
        stack.enter_context(room.taken("b"))
    with room.taken("a"):
        pass


def test_a_process_has_some_downloads_at_once_whosever_they_are() -> None:
    room = Room()
    with ExitStack() as stack:
        for n in range(DOWNLOADS):
            stack.enter_context(room.taken(f"t{n}"))
        with pytest.raises(Unavailable), room.taken("another"):
            pass
    with room.taken("another"):
        pass


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("*, gzip; q=0.000", False),
        ("br", False),
        ("identity", False),
        ("", False),
    ],
)
def test_gzip_is_for_those_who_take_it(header: str, taken: bool) -> None:
    assert accepts_gzip([header]) is taken


def test_every_line_of_what_is_accepted_counts() -> None:
    assert accepts_gzip(["br", "gzip"])
    assert not accepts_gzip(["*", "gzip;q=0"])
    assert not accepts_gzip([])
