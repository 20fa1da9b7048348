"""What clients send about journeys, and what mutations answer."""

from datetime import datetime
from typing import TypeVar

import strawberry

from domain import journey_filter as domain
from domain.events import Priority
from domain.journey import Status
from domain.template import Category, Stage
from domain.walk import Start
from schema.errors import UserError
from schema.journey import Journey
from schema.scalars import JSON, json_object

T = TypeVar("T")


@strawberry.input(description="A span of time.")
class TimeRangeInput:
    since: datetime | None = strawberry.field(default=None, description="At this time or later.")
    until: datetime | None = strawberry.field(default=None, description="Before this time.")

    def to_domain(self) -> domain.TimeRange:
        return domain.TimeRange(since=self.since, until=self.until)


@strawberry.input(
    description="Which journeys are meant. All given parts must hold; a list holds when one value does."
)
class JourneyFilterInput:
    status: list[Status] | None = strawberry.field(default=None, description="In one of these states.")
    stage: list[Stage] | None = strawberry.field(default=None, description="In one of these stages.")
    category: list[Category] | None = strawberry.field(
        default=None, name="type", description="Of one of these types."
    )
    priority: list[Priority] | None = strawberry.field(
        default=None, description="Of one of these priorities."
    )
    template_id: str | None = strawberry.field(default=None, description="Of this template, any version.")
    assigned_to: str | None = strawberry.field(default=None, description="Assigned to this person.")
    assigned_team: str | None = strawberry.field(default=None, description="Assigned to this team.")
    customer_id: str | None = strawberry.field(default=None, description="Of this customer.")
    lead_id: str | None = strawberry.field(default=None, description="Of this lead.")
    search: str | None = strawberry.field(
        default=None,
        description="Each word must begin a word (2 to 8 letters) or be a whole word of the journey's name, ids, tags "
        "or the short texts in its context. Case and accents do not matter.",
    )
    created_at: TimeRangeInput | None = strawberry.field(default=None, description="Started in this span.")
    last_activity: TimeRangeInput | None = strawberry.field(
        default=None, description="Something last happened in this span."
    )

    def to_domain(self) -> domain.JourneyFilter:
        return domain.JourneyFilter(
            status=_tuple(self.status),
            stage=_tuple(self.stage),
            category=_tuple(self.category),
            priority=_tuple(self.priority),
            template_id=self.template_id,
            assigned_to=self.assigned_to,
            assigned_team=self.assigned_team,
            customer_id=self.customer_id,
            lead_id=self.lead_id,
            search=self.search,
            created_at=self.created_at.to_domain() if self.created_at else None,
            last_activity=self.last_activity.to_domain() if self.last_activity else None,
        )


def _tuple(values: list[T] | None) -> tuple[T, ...] | None:
    return None if values is None else tuple(dict.fromkeys(values))


@strawberry.input(description="A journey to start.")
class StartJourneyInput:
    template_id: str = strawberry.field(description="The template to follow, such as `customer_acquisition`.")
    template_version: int | None = strawberry.field(
        default=None, description="Its version; the newest active one where none is given."
    )
    name: str | None = strawberry.field(
        default=None, description="A name for people; the template's by default."
    )
    customer_id: str | None = strawberry.field(default=None, description="The customer.")
    lead_id: str | None = strawberry.field(default=None, description="The lead.")
    priority: Priority | None = strawberry.field(
        default=None, description="How urgent it is; what the template says by default."
    )
    context: JSON | None = strawberry.field(
        default=None, description="The journey's data, an object up to 256 KiB."
    )
    assigned_to: str | None = strawberry.field(default=None, description="The person who looks after it.")
    assigned_team: str | None = strawberry.field(default=None, description="The team that looks after it.")
    tags: list[str] = strawberry.field(default_factory=list, description="Labels, at most 20.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="Given again, the mutation is not carried out again but answers as before."
    )

    def to_domain(self) -> Start:
        return Start(
            name=self.name,
            customer_id=self.customer_id,
            lead_id=self.lead_id,
            priority=self.priority,
            context=json_object(self.context),
            assigned_to=self.assigned_to,
            assigned_team=self.assigned_team,
            tags=tuple(self.tags),
        )


@strawberry.input(description="Which journey to change, and against what.")
class JourneyInput:
    id: strawberry.ID = strawberry.field(description="The journey.")
    expected_revision: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT when this is not the journey's revision any more."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="Given again, the mutation is not carried out again but answers as before."
    )


@strawberry.input(description="A journey to change, with a reason.")
class JourneyReasonInput(JourneyInput):
    reason: str | None = strawberry.field(
        default=None, description="Why, for the history; at most 2,000 characters."
    )


@strawberry.input(description="A journey to advance.")
class AdvanceJourneyInput(JourneyInput):
    step: str | None = strawberry.field(
        default=None, description="The step to enter; the next by order where none is given."
    )


@strawberry.input(description="A step to skip.")
class SkipStepInput(JourneyInput):
    step: str | None = strawberry.field(
        default=None, description="The step; the current one where none is given."
    )
    reason: str = strawberry.field(description="Why it is skipped.")


@strawberry.input(description="A journey whose current step went wrong.")
class FailStepInput(JourneyInput):
    reason: str = strawberry.field(description="What went wrong.")


@strawberry.input(description="A journey to assign.")
class AssignJourneyInput(JourneyInput):
    user: str | None = strawberry.field(default=None, description="The person; null for nobody.")
    team: str | None = strawberry.field(default=None, description="The team; null for none.")


@strawberry.input(description="A journey to give another priority.")
class SetJourneyPriorityInput(JourneyInput):
    priority: Priority = strawberry.field(description="How urgent it is.")


@strawberry.input(description="A journey whose data changes.")
class UpdateJourneyContextInput(JourneyInput):
    changes: JSON | None = strawberry.field(
        default=None, description="An object, merged into the context at its top level; a null removes a key."
    )
    customer_id: str | None = strawberry.field(
        default=None, description="The customer that the journey's lead turned out to be."
    )


@strawberry.input(description="Journeys to move to another version of their template.")
class MigrateJourneysInput:
    ids: list[strawberry.ID] = strawberry.field(description="1 to 1,000 journeys.")
    to_version: int = strawberry.field(description="The version to follow from now on.")
    step_map: JSON | None = strawberry.field(
        default=None, description="An object: old step ids and the new ids they become. Others keep their id."
    )
    dry_run: bool = strawberry.field(default=False, description="Only say what would happen to each.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="Given again, the mutation is not carried out again but answers as before."
    )


@strawberry.type(description="A journey after a mutation, or why it was refused.")
class JourneyPayload:
    journey: Journey | None = strawberry.field(description="The journey as it is now; null when refused.")
    settled: bool = strawberry.field(
        description="Whether its events are in the log and what follows directly is done; else both come soon."
    )
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was not.")


@strawberry.type(description="What became, or would become, of one journey.")
class JourneyMigration:
    id: strawberry.ID = strawberry.field(description="The journey's id, as it was given.")
    journey: Journey | None = strawberry.field(
        description="The journey as it is now, or with `dryRun` as it would be; null when refused."
    )
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty when it was not.")


@strawberry.type(description="What became, or would become, of each journey.")
class MigrateJourneysPayload:
    results: list[JourneyMigration] = strawberry.field(description="One for each id, in the order given.")
    user_errors: list[UserError] = strawberry.field(
        description="Why the whole was refused; empty when it was not."
    )


@strawberry.type(description="How many journeys there are in a state.")
class StatusCount:
    status: Status = strawberry.field(description="The state.")
    count: int = strawberry.field(description="How many.")


@strawberry.type(description="How many journeys there are in a stage.")
class StageCount:
    stage: Stage = strawberry.field(description="The stage.")
    count: int = strawberry.field(description="How many.")
