"""The events that an internet service provider's systems are known to report, and the data that each promises.

Fields that are not named here are kept as they come, and so are events of other types.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.errors import Problem
from domain.values import Json, JsonObject


class FieldType(StrEnum):
    """What JSON Schema calls them."""

    TEXT = "string"
    NUMBER = "number"
    LIST = "array"

    def admits(self, value: Json) -> bool:
        if self is FieldType.TEXT:
            return isinstance(value, str)
        if self is FieldType.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool)
        return isinstance(value, list)


NEEDED: Final = {FieldType.TEXT: "A text", FieldType.NUMBER: "A number", FieldType.LIST: "A list"}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an event's data. A null counts as not given."""

    name: str
    type: FieldType
    description: str
    example: Json
    required: bool = False


@dataclass(frozen=True, slots=True)
class EventType:
    """What a type of event means, and what its data holds."""

    description: str
    fields: tuple[Field, ...]

    @property
    def schema(self) -> JsonObject:
        """A JSON Schema of the data."""
        described: JsonObject = {
            field.name: {
                "type": field.type.value if field.required else [field.type.value, "null"],
                "description": field.description,
            }
            for field in self.fields
        }
        required: list[Json] = [field.name for field in self.fields if field.required]
        return {
            "type": "object",
            "properties": described,
            "required": required,
            "additionalProperties": True,
        }

    @property
    def example(self) -> JsonObject:
        return {field.name: field.example for field in self.fields}


def _text(name: str, description: str, example: str, *, required: bool = False) -> Field:
    return Field(name, FieldType.TEXT, description, example, required)


CUSTOMER: Final = _text("customerId", "The customer, where the event itself names none.", "cust_ada")
LEAD: Final = _text("leadId", "The lead, where the event itself names none.", "lead_ada")
SERVICES: Final = Field("services", FieldType.LIST, "The services asked for.", ["fiber", "tv"])
SERVICE: Final = _text("serviceId", "The service's id.", "svc_1", required=True)
SERVICE_TYPE: Final = _text("serviceType", "What kind of service, such as `fiber`.", "fiber")
TICKET: Final = _text("ticketId", "The ticket's id.", "tic_1", required=True)
INVOICE: Final = _text("invoiceId", "The invoice's id.", "inv_1")
AMOUNT: Final = Field("amount", FieldType.NUMBER, "The amount in the currency's unit.", 49.9, required=True)
CURRENCY: Final = _text("currency", "The currency's ISO 4217 code.", "EUR")

EVENT_TYPES: Final[Mapping[str, EventType]] = {
    "crm:lead_created": EventType(
        "A lead came in.",
        (
            LEAD,
            _text("source", "Where the lead comes from, such as `website`.", "website"),
            _text("campaign", "The campaign that brought it.", "spring"),
            SERVICES,
        ),
    ),
    "crm:lead_qualified": EventType(
        "A lead was found to be worth following up.",
        (
            Field("score", FieldType.NUMBER, "How good the lead is, 0 to 100.", 85, required=True),
            SERVICES,
            LEAD,
        ),
    ),
    "crm:customer_created": EventType(
        "A customer account was opened.",
        (
            CUSTOMER,
            LEAD,
            _text("type", "What kind of customer, such as `residential`.", "residential"),
            SERVICES,
        ),
    ),
    "service:activated": EventType(
        "A customer's service works from now on.",
        (
            SERVICE,
            SERVICE_TYPE,
            CUSTOMER,
            LEAD,
            _text("installationType", "How it is installed, such as `technician`.", "technician"),
            _text("installationDate", "When it is to be installed.", "2026-02-10"),
        ),
    ),
    "service:suspended": EventType(
        "A customer's service was stopped for the time being.",
        (SERVICE, SERVICE_TYPE, CUSTOMER, _text("reason", "Why.", "unpaid invoice")),
    ),
    "support:ticket_created": EventType(
        "A customer asks for help.",
        (
            TICKET,
            CUSTOMER,
            _text("priority", "How urgent it is: `low`, `medium`, `high`, `urgent` or `critical`.", "high"),
            _text("category", "What it is about, such as `technical`.", "technical"),
            _text("issue", "What is wrong, in words.", "No connection since this morning"),
            _text("assignedTo", "Who looks after it.", "agent_7"),
        ),
    ),
    "support:ticket_resolved": EventType(
        "A customer's request is settled.",
        (TICKET, CUSTOMER, _text("resolution", "How it was settled.", "The modem was replaced")),
    ),
    "billing:payment_received": EventType(
        "A customer paid.",
        (
            AMOUNT,
            CURRENCY,
            INVOICE,
            CUSTOMER,
            _text("paymentId", "The payment's id.", "pay_1"),
            _text("method", "How it was paid, such as `card`.", "card"),
        ),
    ),
    "billing:payment_failed": EventType(
        "A payment did not go through.",
        (
            AMOUNT,
            CURRENCY,
            INVOICE,
            CUSTOMER,
            _text("paymentId", "The payment's id.", "pay_1"),
            _text("reason", "Why.", "card expired"),
        ),
    ),
    "billing:invoice_overdue": EventType(
        "An invoice was not paid in time.",
        (
            _text("invoiceId", "The invoice's id.", "inv_1", required=True),
            Field("amount", FieldType.NUMBER, "The amount in the currency's unit.", 49.9),
            CURRENCY,
            CUSTOMER,
            Field("daysOverdue", FieldType.NUMBER, "How many days it is late.", 14),
        ),
    ),
    "field-ops:installation_completed": EventType(
        "A technician installed a customer's service.",
        (
            _text("appointmentId", "The appointment's id.", "app_1", required=True),
            CUSTOMER,
            _text("serviceId", "The service's id.", "svc_1"),
            _text("technicianId", "Who installed it.", "tech_3"),
            _text("completedAt", "When, in RFC 3339.", "2026-02-10T14:30:00Z"),
        ),
    ),
}


def data_problems(type: str, data: JsonObject) -> list[Problem]:
    """What an event of this type lacks or has wrong; nothing where the type is not known here."""
    known = EVENT_TYPES.get(type)
    found = []
    for field in known.fields if known is not None else ():
        value = data.get(field.name)
        if value is None:
            if field.required:
                found.append(Problem(f"{NEEDED[field.type]} is needed here.", ("data", field.name)))
        elif not field.type.admits(value):
            found.append(Problem(f"{NEEDED[field.type]} is needed here.", ("data", field.name)))
    return found
