"""The shape of the house: what stands in its root, which way imports point, how long a module may be."""

import importlib.util
import re
import subprocess
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("app", "workers", "resolvers", "subscriptions", "schema", "storage", "domain")
FOLDERS = {*PACKAGES, "tests", "docs", "client", ".ci"}
FILES = {
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "Dockerfile",
    "compose.yaml",
    "constraints.txt",
    "pyproject.toml",
    ".dockerignore",
    ".gitignore",
}

LONGEST = 250  # lines of a module
# Longer for a reason; none may grow beyond what stands here.
LONG = {
    "domain/journey_events.py": (330, "every fact of a journey and what it means, on one page"),
    "resolvers/journey_changes.py": (280, "a field for each of the journey's commands"),
    "storage/change.py": (320, "one command, one document: the whole protocol in one place"),
    "app/cli.py": (330, "a function for each verb"),
    "app/graphql.py": (280, "the whole API on one page"),
    "app/embedded.py": (260, "both servers' lives, which follow one pattern"),
    "tests/app/test_auth.py": (360, "a table of tokens"),
    "tests/app/test_jwks.py": (400, "a key server and what may go wrong with it"),
    "tests/benchmarks/analytics.py": (330, "three reports, their floors and their probes on one plan"),
    "tests/benchmarks/handoffs.py": (290, "four benchmarks on one bench"),
    "tests/domain/test_attempting.py": (280, "a table of answers and what each means"),
    "tests/domain/test_handback.py": (280, "each end of a handoff and what a journey makes of it"),
    "tests/domain/test_handing.py": (280, "a table of statuses and what each allows"),
    "tests/domain/test_mapping.py": (300, "a table of mappings"),
    "tests/e2e/test_approvals.py": (320, "what each person may and may not decide, from outside"),
    "tests/e2e/test_handoffs.py": (300, "a handoff's life from outside"),
    "tests/e2e/test_reported_events.py": (300, "what may be reported and what may not, from outside"),
    "tests/e2e/test_triggers.py": (300, "the triggers' API from outside"),
    "tests/storage/test_handoffs.py": (300, "lists of handoffs against a plain filter, on both drivers"),
    "tests/storage/test_indexes.py": (320, "every query there is, through the API and beside it"),
    "tests/workers/test_imports.py": (420, "imports and everything that may interrupt them"),
}
VAGUE = ("utils", "util", "helpers", "helper", "base", "common", "misc", "services", "service", "manager")


@cache
def files() -> list[Path]:
    """What belongs to the repository, whether committed yet or not."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.splitlines() if (path := ROOT / name).is_file()]


def modules() -> list[Path]:
    return [path for path in files() if path.suffix == ".py"]


def test_the_root_holds_what_the_design_says() -> None:
    entries = {path.relative_to(ROOT).parts[0] for path in files()}
    assert entries - FOLDERS - FILES == set()
    assert {*PACKAGES, "tests", "docs"} - entries == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_comes_from_this_repository_and_from_no_other_distribution(package: str) -> None:
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.origin is not None
    assert Path(found.origin).resolve() == ROOT / package / "__init__.py"
    assert set(packages_distributions().get(package, [])) <= {"journey-orchestration"}


def test_imports_point_down() -> None:
    program = str(Path(sys.executable).parent / "lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_modules_are_short_enough_to_read_at_once() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules()}
    too_long = {name: n for name, n in lengths.items() if n > LONG.get(name, (LONGEST, ""))[0]}
    assert too_long == {}
    no_longer = [name for name in LONG if lengths.get(name, 0) <= LONGEST]
    assert no_longer == [], "these have become short: take them off the list"


def test_every_module_says_what_it_is() -> None:
    silent = [path for path in modules() if path.stat().st_size and not path.read_text().startswith('"""')]
    assert silent == []


def test_names_say_what_is_inside() -> None:
    assert [path for path in modules() if path.stem in VAGUE and "tests" not in path.parts] == []


def test_nothing_is_left_for_later() -> None:
    later = re.compile(r"\b(TO" + r"DO|FIX" + r"ME)\b")
    texts = (path for path in files() if path.suffix in {".py", ".md", ".toml", ".yaml", ".graphql", ""})
    assert [path for path in texts if later.search(path.read_text(errors="replace"))] == []
