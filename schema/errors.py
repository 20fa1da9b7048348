"""Refusals as a mutation's payload tells them, and which refusals are errors of the request instead."""

import strawberry

from domain.condition import Unmet
from domain.errors import (
    DomainError,
    ErrorCode,
    Forbidden,
    Lagged,
    QueryTimeout,
    Unauthenticated,
    Unavailable,
)
from schema.condition import UnmetCondition

OF_THE_REQUEST = (Unauthenticated, Forbidden, Unavailable, QueryTimeout, Lagged)


@strawberry.type(description="One reason why a mutation was refused. The mutation changed nothing.")
class UserError:
    code: ErrorCode = strawberry.field(description="What kind of refusal it is, for programs.")
    message: str = strawberry.field(description="What is wrong, for people.")
    path: list[str] = strawberry.field(
        description="Where in the input it is wrong: names and list positions. Empty for the input as a whole."
    )
    condition: UnmetCondition | None = strawberry.field(
        default=None,
        description="The condition that did not hold, with the value it saw (CONDITIONS_NOT_MET).",
    )
    current_revision: int | None = strawberry.field(
        default=None, description="The revision that is the current one (CONFLICT)."
    )
    journey_id: strawberry.ID | None = strawberry.field(
        default=None, description="The journey that is in the way (JOURNEY_EXISTS)."
    )
    decided_by: list[str] = strawberry.field(
        default_factory=list,
        description="The users who decided before (ALREADY_DECIDED); empty with any other code.",
    )


def user_errors(error: DomainError) -> list[UserError]:
    """The refusal as a payload tells it. An error of the request is raised on."""
    if isinstance(error, OF_THE_REQUEST):
        raise error
    return every_error(error)


def every_error(error: DomainError) -> list[UserError]:
    """The same for one part of many, where no other part is to be lost to an error of the request."""
    revision, journey = error.extra.get("currentRevision"), error.extra.get("journeyId")
    decided = error.extra.get("decidedBy")
    return [
        UserError(
            code=error.code,
            message=problem.message,
            path=list(problem.path),
            condition=UnmetCondition.of(problem.condition) if isinstance(problem.condition, Unmet) else None,
            current_revision=revision if isinstance(revision, int) else None,
            journey_id=strawberry.ID(journey) if isinstance(journey, str) else None,
            decided_by=[str(each) for each in decided] if isinstance(decided, list) else [],
        )
        for problem in error.problems
    ]
