"""Where another system is reached: the address that an administrator sets, the paths behind it, and whether it answers.

Whether a name leads anywhere, and whether that may be called, shows only when it is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from domain.condition import look_up
from domain.values import Json

PATH: Final = re.compile(r"/[\w./~!$&'()*+,;=:@%{}-]*", re.ASCII)
PARAMETER: Final = re.compile(r"\{([^{}]*)\}")
DATA: Final = re.compile(r"[^\s.]+(\.[^\s.]+)*")
HOST: Final = re.compile(r"[\w.:-]+")
LONGEST: Final = 500


@dataclass(frozen=True, slots=True)
class Probed:
    """What came of a test call: an HTTP status, or why there is none."""

    status: int | None
    error: str | None
    milliseconds: float


def problem_with_address(address: str, *, query: bool = False) -> str | None:
    """Why this cannot be where a package is reached; None where it can. `query`: whether it may end with one."""
    if len(address) > LONGEST:
        return f"An address has at most {LONGEST} characters."
    if not address.isprintable() or re.search(r"[\s\\]", address):
        return "An address has no spaces and no backslashes."
    try:
        parsed = urlsplit(address)
        port = parsed.port
    except ValueError:
        return "This is not an address that can be read."
    if parsed.scheme not in ("http", "https"):
        return "An address begins with https:// or http://."
    if "@" in parsed.netloc:
        return "An address holds no user and no password."
    if not HOST.fullmatch(parsed.hostname or "") or port == 0:
        return "An address names a host, by a name or a number."
    if "#" in address:
        return "An address has no fragment."
    if "?" in address and not query:
        return "An address ends with its path: no query."
    return None


def problem_with_path(path: str) -> str | None:
    """Why this cannot be the path of an action; None where it can."""
    if not PATH.fullmatch(path) or "//" in path or "/.." in path:
        return "A path begins with / and stays below the address."
    placed = PARAMETER.findall(path)
    if re.search(r"[{}]", PARAMETER.sub("", path)) or not all(map(DATA.fullmatch, placed)):
        return "A part that the data fills is written {customerId}."
    return None


def filled(path: str, data: Mapping[str, Json]) -> str:
    """The path with what the data holds in place of its parameters, none of which can leave its place."""

    def fill(match: re.Match[str]) -> str:
        _, value = look_up(match[1], data)
        text = str(value)
        return text.replace(".", "%2E") if text in (".", "..") else quote(text, safe="")

    return PARAMETER.sub(fill, path)
