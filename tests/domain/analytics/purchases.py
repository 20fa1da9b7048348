"""The purchases of 23,570 customers of a record shop, the CDNOW data set that comes with PyPI's `lifetimes`."""

import importlib.util
from collections import defaultdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from domain.values import Money


@cache
def cdnow() -> list[list[tuple[datetime, int]]]:
    """The purchases of each customer: the day, and the value in units of Money. Only the file is read."""
    found = importlib.util.find_spec("lifetimes")
    assert found is not None
    assert found.origin is not None
    lines = (Path(found.origin).parent / "datasets" / "CDNOW_master.txt").read_text().splitlines()
    bought: defaultdict[str, list[tuple[datetime, int]]] = defaultdict(list)
    for line in filter(None, map(str.strip, lines[1:])):
        customer, day, _, value = line.split()
        at = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
        bought[customer].append((at, Money.parse(f"{value} USD").units))
    assert len(bought) == 23_570
    return list(bought.values())
