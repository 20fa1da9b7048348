"""What can go wrong, as types with a documented code. Raised here, mapped once, at the edge.

DomainError
├── InvalidInput            INVALID_INPUT, one per offending path
├── NotFound                NOT_FOUND: unknown here, or another tenant's (which must look the same)
├── IllegalTransition       ILLEGAL_TRANSITION
├── ConditionsNotMet        CONDITIONS_NOT_MET, one per condition
├── CannotDecide            CANNOT_DECIDE: four eyes, another role's, or delegated
├── AlreadyDecided          ALREADY_DECIDED: names who decided
├── Conflict                CONFLICT: `expectedRevision` is not the current one
├── JourneyExists           JOURNEY_EXISTS: re-entry refused
├── AlreadyExists           ALREADY_EXISTS
├── LimitExceeded           LIMIT_EXCEEDED
├── TooLarge                TOO_LARGE
├── IdempotencyKeyReused    IDEMPOTENCY_KEY_REUSED
├── BadCursor               BAD_CURSOR
├── NotKept                 NOT_KEPT: so far back nothing is kept, or not all of it
├── Unauthenticated         UNAUTHENTICATED
├── Forbidden               FORBIDDEN
├── QueryTimeout            TIMEOUT
├── Unavailable             UNAVAILABLE: try again
└── Lagged                  LAGGED: a subscriber too slow for its feed
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class ErrorCode(StrEnum):
    INVALID_INPUT = "INVALID_INPUT"
    NOT_FOUND = "NOT_FOUND"
    ILLEGAL_TRANSITION = "ILLEGAL_TRANSITION"
    CONDITIONS_NOT_MET = "CONDITIONS_NOT_MET"
    CANNOT_DECIDE = "CANNOT_DECIDE"
    ALREADY_DECIDED = "ALREADY_DECIDED"
    CONFLICT = "CONFLICT"
    JOURNEY_EXISTS = "JOURNEY_EXISTS"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    TOO_LARGE = "TOO_LARGE"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    BAD_CURSOR = "BAD_CURSOR"
    NOT_KEPT = "NOT_KEPT"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    TIMEOUT = "TIMEOUT"
    UNAVAILABLE = "UNAVAILABLE"
    LAGGED = "LAGGED"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: where it is in the input, what is wrong, and which condition failed with the value it saw."""

    message: str
    path: tuple[str, ...] = ()
    condition: object = None


class DomainError(Exception):
    """A refusal that the caller can understand. `problems` lists each reason; nothing has changed."""

    code: ClassVar[ErrorCode]

    def __init__(self, message: str, *path: str, problems: Sequence[Problem] = (), **extra: object) -> None:
        super().__init__(message)
        self.message = message
        self.problems = tuple(problems) or (Problem(message, path),)
        self.extra = extra


class InvalidInput(DomainError):
    code = ErrorCode.INVALID_INPUT


class NotFound(DomainError):
    code = ErrorCode.NOT_FOUND

    def __init__(self, id: str, *path: str) -> None:
        super().__init__(f"Nothing with the id {id!r} is known here.", *path)


class IllegalTransition(DomainError):
    code = ErrorCode.ILLEGAL_TRANSITION


class ConditionsNotMet(DomainError):
    code = ErrorCode.CONDITIONS_NOT_MET


class CannotDecide(DomainError):
    code = ErrorCode.CANNOT_DECIDE


class AlreadyDecided(DomainError):
    code = ErrorCode.ALREADY_DECIDED

    def __init__(self, by: Sequence[str]) -> None:
        names = " and ".join(by) if by else "nobody"
        super().__init__(f"This was decided already, by {names}.", "id", decidedBy=list(by))


class Conflict(DomainError):
    code = ErrorCode.CONFLICT

    def __init__(self, current: int) -> None:
        super().__init__(
            f"The revision expected is not the current one, {current}.",
            "expectedRevision",
            currentRevision=current,
        )


class JourneyExists(DomainError):
    code = ErrorCode.JOURNEY_EXISTS


class AlreadyExists(DomainError):
    code = ErrorCode.ALREADY_EXISTS


class LimitExceeded(DomainError):
    code = ErrorCode.LIMIT_EXCEEDED


class TooLarge(DomainError):
    code = ErrorCode.TOO_LARGE


class IdempotencyKeyReused(DomainError):
    code = ErrorCode.IDEMPOTENCY_KEY_REUSED

    def __init__(self) -> None:
        super().__init__("This idempotency key was used before with another input.", "idempotencyKey")


class BadCursor(DomainError):
    code = ErrorCode.BAD_CURSOR

    def __init__(self, name: str) -> None:
        super().__init__("The cursor is not one that this API gave for this query.", name)


class NotKept(DomainError):
    code = ErrorCode.NOT_KEPT


class Unauthenticated(DomainError):
    code = ErrorCode.UNAUTHENTICATED


class Forbidden(DomainError):
    code = ErrorCode.FORBIDDEN


class QueryTimeout(DomainError):
    code = ErrorCode.TIMEOUT


class Unavailable(DomainError):
    code = ErrorCode.UNAVAILABLE


class Lagged(DomainError):
    code = ErrorCode.LAGGED
