"""First, last, linear and Markov as another implementation has them: the package ChannelAttribution."""

import json
import subprocess
import sys
from pathlib import Path as File
from random import Random

import pytest

from domain.analytics import markov
from domain.analytics.attribution import Model, compare
from domain.analytics.path import Conversion, PathCount, Touch
from domain.analytics.path import Path as CustomerPath
from tests.domain.analytics.paths import day, number

PROGRAM = File(__file__).with_name("channel_attribution.py")
DATA_SETS = 40
RULES = {Model.FIRST: "first_touch", Model.LAST: "last_touch", Model.LINEAR: "linear_touch"}
SIMULATED = 0.01  # the error of 200,000 walks is about 0.001

Answers = list[dict[str, dict[str, float]]]


def generated(seed: int) -> list[PathCount]:
    """Paths over a few keys; at least one converts. Each conversion of a path is worth the same."""
    chance = Random(seed)
    keys = "abcdefgh"[: chance.randint(1, 8)]
    found = []
    for _ in range(chance.randint(1, 12)):
        way = tuple(chance.choices(keys, k=chance.randint(1, 7)))
        conversions = chance.randint(0, 4)
        found.append(PathCount(way, conversions, conversions * chance.randint(0, 900), chance.randint(0, 4)))
    return [*found, PathCount((chance.choice(keys),), 1, 50.0)]


@pytest.fixture(scope="module")
def data_sets() -> list[list[PathCount]]:
    return [generated(seed) for seed in range(DATA_SETS)]


@pytest.fixture(scope="module")
def answers(data_sets: list[list[PathCount]]) -> Answers:
    rows = [
        [(">".join(map(str, path.keys)), path.conversions, path.value, path.nulls) for path in paths]
        for paths in data_sets
    ]
    command = [sys.executable, "-W", "ignore", str(PROGRAM)]
    done = subprocess.run(command, input=json.dumps(rows), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: Answers = json.loads(done.stdout)
    return found


def one_by_one(path: PathCount) -> list[CustomerPath]:
    touches = tuple(Touch(day(n), key) for n, key in enumerate(path.keys))
    if not path.conversions:
        return [CustomerPath(touches)]
    return [CustomerPath(touches, Conversion(day(9), path.value / path.conversions))] * path.conversions


def test_rules_agree_with_another_implementation(data_sets: list[list[PathCount]], answers: Answers) -> None:
    for paths, answer in zip(data_sets, answers, strict=True):
        report = compare([each for path in paths for each in one_by_one(path)], RULES)
        for row in report.rows:
            assert row.key is not None
            for model, column in RULES.items():
                credit = row.credits[model]
                assert number(credit) == pytest.approx(answer[f"{column}_conversions"][row.key])
                assert number(credit, "value") == pytest.approx(answer[f"{column}_value"][row.key])


def test_the_chain_agrees_with_a_simulation(data_sets: list[list[PathCount]], answers: Answers) -> None:
    for paths, answer in zip(data_sets, answers, strict=True):
        conversions = sum(path.conversions for path in paths)
        for key, credit in markov.attribute(paths).items():
            assert number(credit, "removal_effect") == pytest.approx(
                answer["removal_effect"][str(key)], abs=SIMULATED
            )
            simulated = answer["total_conversions"][str(key)] / conversions
            assert number(credit, "share") == pytest.approx(simulated, abs=SIMULATED)
