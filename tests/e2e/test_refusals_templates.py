"""Many errors at once, in records and in templates: each is told with its path, and nothing is made."""

from typing import Any

import pytest

from tests.e2e.harness import Client
from tests.e2e.refusals import SAMPLE, errors, give, make_template, refused, unchanged


@pytest.mark.parametrize("mutation", ["addTouchpoints", "addConversions"])
async def test_of_many_records_with_errors_none_is_recorded_and_each_error_told(
    api: Client, mutation: str
) -> None:
    field = mutation.removeprefix("add").lower()
    good = {"kind": "call", "customerId": "c"} | (
        {"channel": "x"} if field == "touchpoints" else {"toStage": "LEAD"}
    )
    async with unchanged(api):
        for records in ([], [good] * 101):
            [error] = await refused(api, "INVALID_INPUT", mutation, **{field: records})
            assert error["path"] == [field]
        odd = [good, good | {"kind": " "}, good | {"customerId": None}, good | {"at": "9999-01-01T00:00:00Z"}]
        found = await refused(api, "INVALID_INPUT", mutation, **{field: odd})
        assert [error["path"] for error in found] == [
            [field, "1", "kind"],
            [field, "2", "journeyId"],
            [field, "3", "at"],
        ]
        found = await refused(
            api, "INVALID_INPUT", mutation, **{field: [good | {"metadata": 5, "kind": "x" * 201}]}
        )
        assert sorted(error["path"] for error in found) == [[field, "0", "kind"], [field, "0", "metadata"]]
        [error] = await refused(
            api, "TOO_LARGE", mutation, **{field: [good | {"metadata": {"x": "x" * 20_000}}]}
        )
        assert error["path"] == [field, "0", "metadata"]


ODD_CONDITION = {"field": "x", "operator": "IN", "value": 1}
WRONG = {
    **SAMPLE,
    "id": "NO ID",
    "name": "",
    "steps": [
        {"id": "a", "name": "", "stage": "LEAD", "order": 1, "maxDuration": "PT0S", "dependencies": ["b", "zz"]},
        {"id": "b", "name": "B", "stage": "LEAD", "order": 1, "requiredData": ["a..b"]},
        {"id": "b", "name": "B", "stage": "LEAD", "order": 3, "estimatedMinutes": -1},
        {"id": "c", "name": "C", "stage": "LEAD", "order": 4, "exitConditions": [ODD_CONDITION]},
    ],
    "triggers": [
        {"id": "t", "name": "T", "type": "EVENT", "event": "no event"},
        {"id": "u", "name": "U", "type": "SCHEDULED"},
    ],
    "settings": {"entryKey": "a b"},
}  # fmt: skip


async def test_a_template_with_many_errors_is_refused_with_all_of_them(api: Client) -> None:
    paths = {
        "id", "name", "steps.0.name", "steps.0.maxDuration", "steps.0.dependencies.0", "steps.0.dependencies.1",
        "steps.1.order", "steps.1.requiredData.0", "steps.2.id", "steps.2.estimatedMinutes",
        "steps.3.exitConditions.0.value", "triggers.0.event", "triggers.1.schedule", "settings.entryKey",
    }  # fmt: skip
    async with unchanged(api):
        for mutation in ("createTemplate", "createTemplateVersion"):
            found = errors(await give(api, mutation, **WRONG))
            if mutation == "createTemplate":
                assert {".".join(error["path"]) for error in found} == paths
            assert found
        query = "query($input: TemplateInput!) { validateTemplate(input: $input) { valid errors { path } } }"
        told = (await api.ask(query, input=WRONG))["validateTemplate"]
        assert not told["valid"]
        assert {".".join(error["path"]) for error in told["errors"]} == paths


@pytest.mark.parametrize(
    ("code", "mutation", "input"),
    [
        ("ALREADY_EXISTS", "createTemplate", SAMPLE),
        ("NOT_FOUND", "createTemplateVersion", SAMPLE | {"id": "nothing"}),
        ("NOT_FOUND", "activateTemplate", {"id": "nothing"}),
        ("NOT_FOUND", "deactivateTemplate", {"id": "sample", "version": 2}),
        ("ILLEGAL_TRANSITION", "activateTemplate", {"id": "sample"}),
        ("INVALID_INPUT", "createTemplate", SAMPLE | {"id": "other", "defaultContext": [1]}),
        ("INVALID_INPUT", "createTemplate", SAMPLE | {"id": "other", "description": "x" * 10_001}),
        ("INVALID_INPUT", "migrateJourneys", {"ids": [], "toVersion": 2}),
        ("INVALID_INPUT", "migrateJourneys", {"ids": ["x"] * 1_001, "toVersion": 2}),
        ("INVALID_INPUT", "migrateJourneys", {"ids": ["x"], "toVersion": 2, "stepMap": {"one": {"x": 1}}}),
        ("INVALID_INPUT", "migrateJourneys", {"ids": ["x"], "toVersion": 2, "stepMap": ["one"]}),
    ],
)
async def test_templates_and_migrations_refuse_what_is_wrong(
    api: Client, code: str, mutation: str, input: dict[str, Any]
) -> None:
    await make_template(api)
    async with unchanged(api):
        await refused(api, code, mutation, **input)


async def test_a_journey_is_not_migrated_to_what_is_not_there(api: Client) -> None:
    await make_template(api)
    journey = await api.start("sample")
    async with unchanged(api):
        for dry in (True, False):
            given = {"ids": [journey["id"]], "dryRun": dry}
            await refused(api, "NOT_FOUND", "migrateJourneys", **given, toVersion=9)
            await refused(api, "ILLEGAL_TRANSITION", "migrateJourneys", **given, toVersion=1)
