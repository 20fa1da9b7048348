"""The executor's hot path: fields that are plain attributes are read and written without graphql-core's ceremony.

Only what is certain is taken: a field of a Strawberry type without resolver, arguments or extensions, whose value is
just what its leaf type expects. Anything else, errors included, goes the ordinary way, one field at a time.
"""

import math
from collections.abc import Callable
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
)
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import GraphQLCoreConverter

Write = Callable[[Any], Any]
Step = tuple[str, Any, str, Write | None]  # response name, field details, attribute, how its value is written

_INT: Final = 2**31


class _OrdinaryError(Exception):
    """This value goes the ordinary way."""


class Execution(StrawberryGraphQLCoreExecutionContext):
    """What executes one operation."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._plans: dict[int, tuple[Any, list[Step]]] = {}

    def build_per_event_executor(self, payload: Any) -> Any:
        """graphql-core lets all events of a subscription share one memo of field nodes, which then only grows."""
        executor: Any = super().build_per_event_executor(payload)
        executor._relevant_sub_fields, executor._plans = {}, {}
        return executor

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: dict[str, Any],
        position_context: Any,
    ) -> Any:
        if self.middleware_manager and self.middleware_manager.middlewares:
            return super().execute_fields(
                parent_type, source_value, path, grouped_field_set, position_context
            )
        known = self._plans.get(id(grouped_field_set))
        if known is None:
            plan = [self._step(parent_type, name, details) for name, details in grouped_field_set.items()]
            known = self._plans[id(grouped_field_set)] = (
                grouped_field_set,
                plan,
            )  # kept, so that the id stays its own
        written: dict[str, Any] = {}
        rest: dict[str, Any] = {}
        for name, details, attribute, write in known[1]:
            written[name] = None  # keeps its place in the answer
            if write is None:
                rest[name] = details
                continue
            try:
                written[name] = write(getattr(source_value, attribute))
            except Exception:  # the ordinary way tells what is wrong
                rest[name] = details
        if not rest:
            return written
        others = super().execute_fields(parent_type, source_value, path, rest, position_context)
        return (
            _awaited(written, rest, others) if self.is_awaitable(others) else _joined(written, rest, others)
        )

    def _step(self, parent_type: GraphQLObjectType, name: str, details: Any) -> Step:
        node = details[0].node
        field = self.schema.get_field(parent_type, node.name.value)
        definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF) if field else None
        if field is None or definition is None or field.args or not definition.is_basic_field:
            return name, details, "", None
        if not getattr(field.resolve, "_is_default", False):
            return name, details, "", None
        return name, details, definition.python_name, _writer(field)


def _joined(written: dict[str, Any], rest: dict[str, Any], others: Any) -> dict[str, Any]:
    """The answer in the order asked for. A field the schema does not know is left out."""
    for name in rest:
        if name in others:
            written[name] = others[name]
        else:
            del written[name]
    return written


async def _awaited(written: dict[str, Any], rest: dict[str, Any], others: Any) -> dict[str, Any]:
    return _joined(written, rest, await others)


def _writer(field: GraphQLField) -> Write | None:
    """How a field's value is written; None for a type that is not a leaf or a list of texts."""
    kind = field.type
    required = isinstance(kind, GraphQLNonNull)
    inner = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    write = _leaf(inner)
    if write is None or required:
        return write
    return lambda value: None if value is None else write(value)


def _leaf(kind: Any) -> Write | None:
    match kind:
        case GraphQLScalarType(name="String" | "ID"):
            return _text
        case GraphQLScalarType(name="Int"):
            return _int
        case GraphQLScalarType(name="Float"):
            return _float
        case GraphQLScalarType(name="Boolean"):
            return _boolean
        case GraphQLScalarType():
            return _scalar(kind)
        case GraphQLEnumType():
            return _enum(kind)
        case GraphQLList(of_type=GraphQLNonNull(of_type=GraphQLScalarType(name="String" | "ID"))):
            return _texts
        case _:
            return None


def _text(value: Any) -> str:
    if type(value) is not str:
        raise _OrdinaryError
    return value


def _texts(value: Any) -> list[str]:
    if type(value) is not list:
        raise _OrdinaryError
    return [_text(each) for each in value]


def _int(value: Any) -> int:
    if type(value) is not int or not -_INT <= value < _INT:
        raise _OrdinaryError
    return value


def _float(value: Any) -> float:
    if type(value) is not float or not math.isfinite(value):
        raise _OrdinaryError
    return value


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise _OrdinaryError
    return value


def _scalar(kind: GraphQLScalarType) -> Write:
    def write(value: Any) -> Any:
        written = kind.coerce_output_value(value)
        if value is None or written is None:
            raise _OrdinaryError
        return written

    return write


def _enum(kind: Any) -> Write:
    names = {member: kind.coerce_output_value(member) for member in kind.wrapped_cls}

    def write(value: Any) -> Any:
        if type(value) is not kind.wrapped_cls:
            raise _OrdinaryError
        return names[value]

    return write
