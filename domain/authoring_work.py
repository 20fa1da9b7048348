"""Checking what the steps of a template do: what they hand over, perform or start, who approves it, and what becomes of
the result.

Whether the template of a child journey is there is not checked: templates name each other in whatever order they are
written, and versions are switched on and off. A child that cannot start is an incident of its step.
"""

import re
from collections.abc import Iterator
from typing import Final

from domain import action as actions
from domain.action import Action, ActionKind
from domain.approval import check_policy
from domain.errors import Problem
from domain.template import Child, Definition, Step, StepType

ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_PATH = re.compile(r"[^\s.]+(\.[^\s.]+)*")


def data_path(text: str, *path: str) -> Iterator[Problem]:
    if not _PATH.fullmatch(text):
        yield Problem("A path is names with dots between them.", path)


def work_problems(step: Step, definition: Definition, path: tuple[str, ...]) -> Iterator[Problem]:
    """Every error of what the step does, with its path."""
    yield from _handed_over(step, path)
    yield from _performed(step, definition, path)
    yield from _started(step, path)
    for name, data in step.output_mapping.items():
        yield from data_path(data, *path, "outputMapping", name)
    yield from _rejected(step, definition, path)


def _handed_over(step: Step, path: tuple[str, ...]) -> Iterator[Problem]:
    approved = step.type in (StepType.APPROVAL, StepType.INTEGRATION)
    if step.approval is not None and not approved:
        yield Problem("Only APPROVAL and INTEGRATION steps are approved.", (*path, "approval"))
    if step.approval is not None:
        yield from check_policy(step.approval, *path, "approval")
    if step.type is StepType.INTEGRATION and step.action is not None and not step.package:
        yield Problem("Say which package does the action.", (*path, "package"))
    if step.type is StepType.INTEGRATION and step.approval is not None and not step.action:
        yield Problem("Without an action there is nothing to approve.", (*path, "action"))


def _performed(step: Step, definition: Definition, path: tuple[str, ...]) -> Iterator[Problem]:
    if step.type is StepType.AUTOMATED and step.action is not None:
        message = (
            "An AUTOMATED step says what it does under `performs`; a package's action is an INTEGRATION's."
        )
        yield Problem(message, (*path, "action"))
    if step.performs is None:
        return
    where = (*path, "performs")
    if step.type is not StepType.AUTOMATED:
        yield Problem("Only AUTOMATED steps perform an action.", where)
    yield from actions.problems(step.performs, *where)
    yield from actions.unknown(step.performs, *where)
    for name, data in step.performs.mapping.items():
        yield from data_path(data, *where, "mapping", name)
    yield from _where(step.performs, definition, where)


def _where(action: Action, definition: Definition, path: tuple[str, ...]) -> Iterator[Problem]:
    """An action on the step's own journey can name its own template's steps only."""
    if not action.kind.finds_a_journey or action.template_id is not None or "journeyId" in action.given:
        return
    named = [] if action.step is None else [(action.step, (*path, "step"))]
    to = action.params.get("to")
    if action.kind is ActionKind.ADVANCE_JOURNEY and isinstance(to, str):
        named.append((to, (*path, "params", "to")))
    for step, where in named:
        if definition.step(step) is None:
            yield Problem(f"There is no step {step!r}.", where)


def _started(step: Step, path: tuple[str, ...]) -> Iterator[Problem]:
    if step.type is StepType.WORKFLOW and step.child is None:
        yield Problem("Say which template's journey it starts.", (*path, "child"))
    if step.child is None:
        return
    if step.type is not StepType.WORKFLOW:
        yield Problem("Only WORKFLOW steps start a journey.", (*path, "child"))
    yield from _child(step.child, (*path, "child"))


def _child(child: Child, path: tuple[str, ...]) -> Iterator[Problem]:
    if not ID.fullmatch(child.template_id):
        yield Problem("An id is 1 to 64 lower-case letters, digits, _ and -.", (*path, "templateId"))
    if child.template_version is not None and child.template_version < 1:
        yield Problem("Versions begin at 1.", (*path, "templateVersion"))
    for name, data in (child.context_mapping or {}).items():
        yield from data_path(data, *path, "contextMapping", name)


def _rejected(step: Step, definition: Definition, path: tuple[str, ...]) -> Iterator[Problem]:
    if step.on_rejected is None:
        return
    if definition.step(step.on_rejected) is None:
        yield Problem(f"There is no step {step.on_rejected!r}.", (*path, "onRejected"))
    asked = step.type is StepType.INTEGRATION and definition.settings.require_approval
    if step.type not in (StepType.APPROVAL, StepType.WORKFLOW) and step.approval is None and not asked:
        yield Problem("Only what is approved can be rejected: say how.", (*path, "onRejected"))
