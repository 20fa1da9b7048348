"""Errors on their way out: what the caller can understand keeps its code; the rest becomes a request id.

The real error is in the server's log, under that id. No Python text leaves the house.
"""

import logging
from collections.abc import Iterator
from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.exceptions import MissingQueryError
from strawberry.extensions import SchemaExtension
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import StreamExecutionResult

from domain.errors import DomainError, ErrorCode, Lagged
from resolvers.context import Context

log = logging.getLogger(__name__)

HTTP_UNAUTHORIZED = 401
# What the input of these holds is never repeated.
SECRETIVE = ("rotatePackageSecret", "rotateSourceSecret", "rotateWebhookSecret", "createWebhook")
OF_THE_DOCUMENT = (CannotGetOperationTypeError, InvalidOperationTypeError, MissingQueryError)


class Masking(SchemaExtension):
    def on_operation(self) -> Iterator[None]:
        yield
        self._mask(self.execution_context.result)

    def on_stream_result(self, result: StreamExecutionResult) -> Iterator[None]:
        self._mask(result)
        yield

    def _mask(self, result: Any) -> None:
        errors = getattr(result, "errors", None)
        if errors:
            context: Context = self.execution_context.context
            query = self.execution_context.query or ""
            secretive = next((name for name in SECRETIVE if name in query), None)
            result.errors = [masked(error, context, secretive=secretive) for error in errors]


def masked(error: GraphQLError, context: Context, *, secretive: str | None = None) -> GraphQLError:
    """The error as the client may see it. GraphQL's own errors repeat what was sent, unless that holds a secret."""
    original = error.original_error
    while isinstance(original, GraphQLError) and original.original_error is not None:
        original = original.original_error
    if error.extensions and "code" in error.extensions:
        return error
    if isinstance(original, DomainError):
        return _told(error, original, context)
    message = f"This is not what {secretive} takes." if secretive else error.message
    if isinstance(error, GraphQLSyntaxError):
        return _with(error, message, code="GRAPHQL_PARSE_FAILED")
    if original is None or isinstance(original, GraphQLError):
        return _with(
            error, message, code="GRAPHQL_VALIDATION_FAILED" if error.path is None else "INVALID_INPUT"
        )
    if isinstance(original, OF_THE_DOCUMENT):
        return _with(error, "The document has no such operation to carry out here.", code="BAD_REQUEST")
    log.error("Request %s failed", context.request_id, exc_info=original)
    return _with(
        error,
        "Something went wrong here; ask the operator, giving the request id.",
        code="INTERNAL",
        requestId=context.request_id,
    )


def _told(error: GraphQLError, original: DomainError, context: Context) -> GraphQLError:
    extensions: dict[str, Any] = {"code": original.code.value}
    path = original.problems[0].path
    if path:
        extensions["argument"] = ".".join(path)
    if isinstance(original, Lagged):
        extensions["cursor"] = (context.delivered or ("", None))[1]
    if original.code is ErrorCode.UNAUTHENTICATED and hasattr(context.transport, "status_code"):
        context.transport.status_code = HTTP_UNAUTHORIZED
    return _with(error, original.message, **extensions)


def _with(error: GraphQLError, message: str, **extensions: Any) -> GraphQLError:
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions,
    )
