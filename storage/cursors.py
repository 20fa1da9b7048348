"""What the cursors of each list look like: one from elsewhere is refused before the database sees it."""

import re
from typing import Final

from domain.errors import BadCursor
from domain.paging import Page

TIME_KEY: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\|\S+")  # time and id in one
TEMPLATE_KEY: Final = re.compile(r"[a-z0-9_-]{1,64}\|\d{9}")
NUMBER: Final = re.compile(r"\d{1,18}")


def require(page: Page, shape: re.Pattern[str]) -> None:
    """Raises BadCursor for a cursor that is none of this list's."""
    for name, key in (("after", page.after), ("before", page.before)):
        if key is not None and not shape.fullmatch(key):
            raise BadCursor(name)
