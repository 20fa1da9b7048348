"""Why machinery acts: an event's id makes the id of each command that follows from it, so twice is once."""

from dataclasses import replace

from domain.events import Envelope
from storage.subject import Cause, digest
from storage.templates import SYSTEM


def following(envelope: Envelope, *part: str) -> Cause:
    """A command that follows from an event, on behalf of whoever caused that."""
    name = digest("follow", envelope.id, *part)
    return Cause(
        SYSTEM, name, envelope.correlation_id, envelope.id, requester=envelope.person, depth=envelope.depth
    )


def once(cause: Cause, *, deeper: int = 0) -> Cause:
    """The same for what must not be done again, even where doing it again would find nothing in its way. `deeper`: it
    may make events that lead to such events again."""
    return replace(cause, input_hash=cause.command_id, keyed=True, depth=cause.depth + deeper)
