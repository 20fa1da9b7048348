"""The systems that every internet service provider's journeys hand over to, and what each can be asked.

Names of packages and actions are those of the reference package's integrations; a tenant sets the addresses.
"""

from typing import Final

from domain.package import Action

CUSTOMER: Final = ("customerId",)
SERVICE: Final = ("customerId", "serviceType")

ISP_PACKAGES: Final[dict[str, tuple[str, tuple[Action, ...]]]] = {
    "crm": (
        "Customer relationship management: leads and customers.",
        (
            Action(
                name="convert_lead",
                description="Turn a lead into a customer; answers with `customerId`.",
                path="/leads/{leadId}/convert",
                required_data=("leadId",),
                optional_data=("leadScore", "interestedServices"),
            ),
            Action(
                name="create_customer",
                description="Create a customer; answers with `customerId`.",
                path="/customers",
                required_data=("name",),
                optional_data=("leadId", "email", "phone", "address"),
            ),
            Action(
                name="update_customer",
                description="Change what is known of a customer.",
                path="/customers/{customerId}",
                required_data=CUSTOMER,
                optional_data=("name", "email", "phone", "address"),
            ),
        ),
    ),
    "business-logic": (
        "Services and the equipment they run on.",
        (
            Action(
                name="activate_service",
                description="Activate a service; answers with `serviceId`.",
                path="/services/activate",
                required_data=SERVICE,
                optional_data=("plan", "address"),
            ),
            Action(
                name="provision_equipment",
                description="Provision a customer's equipment; answers with `equipmentId`.",
                path="/equipment/provision",
                required_data=CUSTOMER,
                optional_data=("serviceType", "serviceId", "equipmentType"),
            ),
            Action(
                name="setup_billing",
                description="Set up the billing of a service.",
                path="/billing/setup",
                required_data=CUSTOMER,
                optional_data=("serviceType", "serviceId", "plan"),
            ),
        ),
    ),
    "field-ops": (
        "Technicians and their work orders.",
        (
            Action(
                name="create_work_order",
                description="Create a work order; answers with `workOrderId`.",
                path="/work-orders",
                required_data=CUSTOMER,
                optional_data=("serviceId", "workType", "installationType", "address"),
            ),
            Action(
                name="assign_technician",
                description="Assign a technician to a work order; answers with `technicianId`.",
                path="/work-orders/{workOrderId}/assign",
                required_data=("workOrderId",),
                optional_data=("technicianId", "skills"),
            ),
            Action(
                name="schedule_installation",
                description="Schedule an installation; answers with `appointmentId` and `installationDate`.",
                path="/installations",
                required_data=CUSTOMER,
                optional_data=("serviceType", "serviceId", "installationType", "installationDate", "address"),
            ),
            Action(
                name="test_service",
                description="Test a customer's connection; answers with the result.",
                path="/tests",
                required_data=CUSTOMER,
                optional_data=("serviceId", "serviceType"),
            ),
        ),
    ),
    "support-system": (
        "Support tickets and agents.",
        (
            Action(
                name="create_ticket",
                description="Create a ticket; answers with `ticketId`.",
                path="/tickets",
                required_data=("customerId", "issue"),
                optional_data=("category", "priority"),
            ),
            Action(
                name="assign_agent",
                description="Assign an agent to a ticket; answers with `agentId`.",
                path="/tickets/{ticketId}/assign",
                required_data=("ticketId",),
                optional_data=("agentId", "category"),
            ),
            Action(
                name="escalate_ticket",
                description="Escalate a ticket.",
                path="/tickets/{ticketId}/escalate",
                required_data=("ticketId",),
                optional_data=("reason",),
            ),
        ),
    ),
    "billing-system": (
        "Billing and payments.",
        (
            Action(
                name="setup_billing",
                description="Set up a customer's billing account; answers with `billingAccountId`.",
                path="/accounts",
                required_data=CUSTOMER,
                optional_data=("serviceType", "plan", "paymentMethod"),
            ),
            Action(
                name="process_payment",
                description="Take a payment; answers with `paymentId`.",
                path="/accounts/{customerId}/payments",
                required_data=("customerId", "amount"),
                optional_data=("currency", "invoiceId", "paymentMethod"),
            ),
            Action(
                name="generate_invoice",
                description="Write an invoice; answers with `invoiceId`.",
                path="/accounts/{customerId}/invoices",
                required_data=CUSTOMER,
                optional_data=("period",),
            ),
        ),
    ),
}
