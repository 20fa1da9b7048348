"""Templates from outside: what an author says of approvals and of work that is handed over is what a reader sees."""

from typing import Any

from tests.e2e.harness import Client
from tests.e2e.refusals import SAMPLE, errors, give, make_template, refused

READ = """{ template(id: "sample") { settings { sla requireApproval } steps { id onRejected sla outputMapping
  approval { quorum roles due whenDue escalateTo requesterMayDecide } } } }"""
POLICY = {
    "quorum": 2, "roles": ["manager", "chief"], "due": "PT4H", "whenDue": "ESCALATE", "escalateTo": "board",
    "requesterMayDecide": True,
}  # fmt: skip
STEPS: list[dict[str, Any]] = [
    {"type": "APPROVAL", "approval": {}, "onRejected": "mend"},
    {
        "id": "convert", "type": "INTEGRATION", "package": "crm", "action": "convert_lead", "approval": POLICY,
        "outputMapping": {"customerId": "customer.id"}, "sla": "P1D", "onRejected": "mend",
    },
    {"id": "mend"},
]  # fmt: skip


def sample(*steps: dict[str, Any], **settings: Any) -> dict[str, Any]:
    named = [
        {"id": f"s{n}", "name": "A step", "stage": "LEAD", "order": n} | each for n, each in enumerate(steps)
    ]
    return {**SAMPLE, "steps": named, "settings": settings}


async def test_what_an_author_says_of_approvals_and_work_is_what_is_read(api: Client) -> None:
    await make_template(api, **sample(*STEPS, sla="P3D", requireApproval=True))
    found = (await api.ask(READ))["template"]
    assert found["settings"] == {"sla": "P3D", "requireApproval": True}
    asked, convert, mend = found["steps"]
    plain = {"due": None, "whenDue": "EXPIRE", "escalateTo": None, "requesterMayDecide": False}
    assert asked["approval"] == {"quorum": 1, "roles": ["approver"], **plain}
    assert (asked["onRejected"], asked["sla"], asked["outputMapping"]) == ("mend", None, {})
    assert convert == {"approval": POLICY} | {
        name: STEPS[1][name] for name in ("id", "onRejected", "sla", "outputMapping")
    }
    assert mend == {"id": "mend", "approval": None, "onRejected": None, "sla": None, "outputMapping": {}}


async def test_a_templates_schedule_has_its_next_time_at_once_and_none_while_it_is_off(api: Client) -> None:
    daily = {"id": "daily", "name": "Every morning", "type": "SCHEDULED", "schedule": "0 9 * * *"}
    odd = daily | {"schedule": "0 25 * * *", "timeZone": "Mars/Base"}
    found = await refused(api, "INVALID_INPUT", "createTemplate", **sample({}) | {"triggers": [odd]})
    assert [error["path"] for error in found] == [
        ["triggers", "0", "schedule"],
        ["triggers", "0", "timeZone"],
    ]
    await make_template(api, **sample({}) | {"triggers": [daily]})

    async def times() -> list[str]:
        read = "{ triggers(first: 50) { nodes { name builtIn active nextAt } } }"
        listed = (await api.ask(read))["triggers"]["nodes"]
        of_template = [each for each in listed if each["name"] == "Every morning"]
        assert all(each["builtIn"] and each["active"] for each in of_template)
        return [each["nextAt"][10:16] for each in of_template]

    assert await times() == ["T09:00"]
    assert errors(await give(api, "deactivateTemplate", id="sample")) == []
    assert await times() == []
    assert errors(await give(api, "activateTemplate", id="sample")) == []
    assert await times() == ["T09:00"]


async def test_work_that_cannot_be_is_refused_with_every_path(api: Client) -> None:
    wrong = sample(
        {"type": "APPROVAL", "approval": {"quorum": 0, "roles": [], "due": "PT0S", "whenDue": "ESCALATE"}},
        {"approval": {"roles": ["x"] * 21}, "onRejected": "nowhere", "sla": "PT0S"},
        {"type": "INTEGRATION", "action": "convert_lead", "onRejected": "s0", "outputMapping": {"a": ""}},
        sla="PT0S",
    )
    found = await refused(api, "INVALID_INPUT", "createTemplate", **wrong)
    assert {".".join(error["path"]) for error in found} == {
        "steps.0.approval.quorum", "steps.0.approval.roles", "steps.0.approval.due", "steps.0.approval.escalateTo",
        "steps.1.approval", "steps.1.approval.roles", "steps.1.onRejected", "steps.1.sla",
        "steps.2.package", "steps.2.onRejected", "steps.2.outputMapping.a", "settings.sla",
    }  # fmt: skip
    for odd in ({"a": 1}, {"a": None}, ["a"], "a"):
        [error] = await refused(api, "INVALID_INPUT", "createTemplate", **sample({"outputMapping": odd}))
        assert error["path"][:3] == ["steps", "0", "outputMapping"]
    large = {"outputMapping": {"a": "x" * 17_000}}
    [error] = await refused(api, "TOO_LARGE", "createTemplate", **sample(large))
    assert error["path"] == ["steps", "0", "outputMapping"]
