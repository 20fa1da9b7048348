"""The whole API on one page: what can be asked, done and watched."""

from collections.abc import AsyncIterator, Iterable, Iterator
from functools import lru_cache
from typing import Any, Final, cast

import orjson
import strawberry
from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    parse,
)
from strawberry.extensions import AddValidationRules, MaxTokensLimiter, SchemaExtension, ValidationCache
from strawberry.extensions.max_aliases import create_validator as limit_aliases
from strawberry.extensions.query_depth_limiter import create_validator as limit_depth
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionResult

import schema.enums
import schema.export_enums
import schema.handoff_enums
import schema.report_enums
import schema.trigger_enums
from app.execution import Execution
from app.masking import Masking
from resolvers.approvals import ApprovalMutations
from resolvers.attribution import AttributionQueries
from resolvers.calendar import CalendarMutations, CalendarQueries
from resolvers.campaign_costs import CampaignCostMutations, CampaignCostQueries
from resolvers.cohorts import CohortQueries
from resolvers.context import Context
from resolvers.customers import CustomerMutations, CustomerQueries
from resolvers.deliveries import DeliveryMutations, DeliveryQueries
from resolvers.event_types import EventTypeQueries
from resolvers.events import EventQueries
from resolvers.exports import ExportMutations, ExportQueries
from resolvers.firings import FiringMutations, FiringQueries
from resolvers.funnels import FunnelQueries
from resolvers.handoff_bulk import HandoffBulkMutations
from resolvers.handoff_changes import HandoffMutations
from resolvers.handoffs import HandoffQueries
from resolvers.incidents import IncidentMutations, IncidentQueries
from resolvers.journey_changes import JourneyMutations
from resolvers.journeys import JourneyQueries
from resolvers.metrics import MetricsQueries
from resolvers.named_reports import NamedReportQueries
from resolvers.nodes import NodeQueries
from resolvers.packages import PackageMutations, PackageQueries
from resolvers.reporting import ReportingMutations
from resolvers.retention import RetentionMutations, RetentionQueries
from resolvers.sources import SourceMutations, SourceQueries
from resolvers.stages import StageQueries
from resolvers.templates import TemplateMutations, TemplateQueries
from resolvers.touchpoints import TouchpointMutations, TouchpointQueries
from resolvers.triggers import TriggerMutations, TriggerQueries
from resolvers.webhooks import WebhookMutations, WebhookQueries
from schema.campaign_cost import CampaignCost
from schema.delivery import WebhookDelivery
from schema.export import Export
from schema.firing import Firing
from schema.handoff import Handoff
from schema.incident import Incident
from schema.journey import Journey
from schema.package import Package
from schema.scalars import SCALARS
from schema.source import Source
from schema.template import Template
from schema.touchpoint import Conversion, Touchpoint
from schema.trigger import Trigger
from schema.webhook import Webhook
from subscriptions.events import EventSubscriptions
from subscriptions.exports import ExportSubscriptions
from subscriptions.handoffs import HandoffSubscriptions
from subscriptions.journeys import JourneySubscriptions
from subscriptions.metrics import MetricsSubscriptions
from subscriptions.sharing import Groups

assert schema.enums.REGISTERED  # noqa: S101  # imported for what it registers
assert schema.export_enums.REGISTERED  # noqa: S101
assert schema.handoff_enums.REGISTERED  # noqa: S101
assert schema.trigger_enums.REGISTERED  # noqa: S101
assert schema.report_enums.REGISTERED  # noqa: S101

OF_THE_VIEWER: Final = ("allowedActions", "pendingApprovalsChanged")  # fields that depend on the very user
MAX_DEPTH: Final = 12
MAX_ALIASES: Final = 50
MAX_TOKENS: Final = 4_000
DOCUMENTS: Final = 512
RULES: Final[list[type[ASTValidationRule]]] = [limit_depth(MAX_DEPTH, None), limit_aliases(MAX_ALIASES)]


@strawberry.type(description="What can be asked.")
class Query(
    NodeQueries,
    JourneyQueries,
    HandoffQueries,
    IncidentQueries,
    TemplateQueries,
    TouchpointQueries,
    EventQueries,
    EventTypeQueries,
    PackageQueries,
    SourceQueries,
    TriggerQueries,
    FiringQueries,
    CustomerQueries,
    CohortQueries,
    AttributionQueries,
    CampaignCostQueries,
    MetricsQueries,
    FunnelQueries,
    StageQueries,
    NamedReportQueries,
    ExportQueries,
    RetentionQueries,
    CalendarQueries,
    WebhookQueries,
    DeliveryQueries,
):
    pass


@strawberry.type(
    description="What can be done. A refused mutation changes nothing and says why in `userErrors`. Where nothing else "
    "is said, a text has at most 200 characters, a reason 2,000 and a description 10,000."
)
class Mutation(
    JourneyMutations,
    HandoffMutations,
    HandoffBulkMutations,
    ApprovalMutations,
    IncidentMutations,
    TemplateMutations,
    TouchpointMutations,
    ReportingMutations,
    PackageMutations,
    SourceMutations,
    TriggerMutations,
    FiringMutations,
    CustomerMutations,
    CampaignCostMutations,
    ExportMutations,
    RetentionMutations,
    CalendarMutations,
    WebhookMutations,
    DeliveryMutations,
):
    pass


@strawberry.type(description="What can be watched, over graphql-transport-ws or server-sent events.")
class Subscription(
    JourneySubscriptions,
    HandoffSubscriptions,
    EventSubscriptions,
    MetricsSubscriptions,
    ExportSubscriptions,
):
    pass


class Parsed(SchemaExtension):
    """Keeps parsed documents. What does not parse is left to Strawberry, whose errors are masked; an error raised in
    this hook, as its own ParserCache does, would pass the masking by."""

    def on_parse(self) -> Iterator[None]:
        query = self.execution_context.query
        if query:
            self.execution_context.graphql_document = _parsed(query)
        yield


class Schema(strawberry.Schema):
    """Strawberry's schema, with equal subscriptions shared."""

    groups: Groups

    async def stream(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any = None,
        root_value: Any = None,
        operation_name: str | None = None,
        operation_extensions: dict[str, Any] | None = None,
        allowed_operation_types: Iterable[Any] | None = None,
    ) -> Any:
        async def source(context: Any) -> AsyncIterator[ExecutionResult]:
            results = await super(Schema, self).stream(
                query,
                variable_values,
                context,
                root_value,
                operation_name,
                operation_extensions,
                allowed_operation_types,
            )
            return cast(AsyncIterator[ExecutionResult], results)

        context: Context = context_value
        if context.known is None or not query or not _is_subscription(query, operation_name):
            return await source(context)
        identity = context.identity
        variables = orjson.dumps(variable_values, option=orjson.OPT_SORT_KEYS)
        own = identity.user_id if any(name in query for name in OF_THE_VIEWER) else None
        rights = (identity.tenant_id, identity.roles, identity.groups, own)
        key = (rights, query, operation_name, variables)
        return self.groups.join(key, context, source)

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Masking logs what is worth it."""


def build() -> Schema:
    """The schema. One for each process."""
    built = Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[
            Journey,
            Handoff,
            Incident,
            Template,
            Touchpoint,
            Conversion,
            Package,
            Trigger,
            Firing,
            CampaignCost,
            Export,
            Source,
            Webhook,
            WebhookDelivery,
        ],
        config=StrawberryConfig(scalar_map=SCALARS),
        extensions=[
            Masking,
            lambda: MaxTokensLimiter(MAX_TOKENS),
            Parsed,
            lambda: AddValidationRules(RULES),
            lambda: ValidationCache(DOCUMENTS),
        ],
        execution_context_class=Execution,
    )
    built.groups = Groups()
    return built


@lru_cache(DOCUMENTS)
def _parsed(query: str) -> DocumentNode | None:
    try:
        return parse(query, max_tokens=MAX_TOKENS)
    except GraphQLError:
        return None


def _is_subscription(query: str, name: str | None) -> bool:
    document = _parsed(query)
    operations = (
        [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
        if document
        else []
    )
    chosen = [
        each for each in operations if name is None or (each.name is not None and each.name.value == name)
    ]
    return len(chosen) == 1 and chosen[0].operation is OperationType.SUBSCRIPTION
