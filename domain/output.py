"""What a step takes from its work's output into the journey."""

import json

from domain.condition import look_up
from domain.errors import TooLarge
from domain.journey import MAX_CONTEXT_BYTES
from domain.template import Step
from domain.values import Json, JsonObject


def mapped(step: Step, output: Json) -> dict[str, Json]:
    """By context key: what the step's `output_data` name (the last part of a path is the key) and its
    `output_mapping` says. What is not in the output is left out."""
    values = output if isinstance(output, dict) else {}
    paths = {name.rpartition(".")[2]: name for name in step.output_data} | step.output_mapping
    found = {key: look_up(path, values)[1] for key, path in paths.items()}
    return {key: value for key, value in found.items() if value is not None}


def fits(context: JsonObject, taken: dict[str, Json]) -> bool:
    """Whether the context stays within its size with this in it."""
    return len(json.dumps(context | taken, ensure_ascii=False).encode()) <= MAX_CONTEXT_BYTES


def require_fit(context: JsonObject, taken: JsonObject | None = None) -> None:
    """Raises TooLarge where the context would not stay within its size."""
    if not fits(context, taken or {}):
        raise TooLarge(f"The context would have over {MAX_CONTEXT_BYTES} bytes.", "context")
