"""What administrators say about packages."""

from datetime import timedelta

import strawberry

from domain import package as domain
from domain.limits import Limits

DEFAULT = Limits()
KEY = "Given again, the mutation is not carried out again but answers as before."
NAME = "The package's name, such as `crm`."
REVISION = "Refuse with CONFLICT when this is not the package's revision any more."


@strawberry.input(description="Something a package can be asked to do.")
class PackageActionInput:
    name: str = strawberry.field(description="1 to 64 lower-case letters, digits, _ and -.")
    path: str = strawberry.field(
        description="Where it is asked for, behind the package's address: it begins with /. `{leadId}` is filled from "
        "the data."
    )
    description: str = strawberry.field(default="", description="What is done.")
    required_data: list[str] = strawberry.field(
        default_factory=list, description="Paths that a handoff's data must have."
    )
    optional_data: list[str] = strawberry.field(default_factory=list, description="Paths that it may have.")

    def to_domain(self) -> domain.Action:
        return domain.Action(
            name=self.name,
            description=self.description,
            path=self.path,
            required_data=tuple(self.required_data),
            optional_data=tuple(self.optional_data),
        )


@strawberry.input(description="How often and how long a package is tried.")
class PackageLimitsInput:
    attempts: int = strawberry.field(
        default=DEFAULT.attempts, description="Attempts that a round has, 1 to 10; the first counts."
    )
    attempt_time: timedelta = strawberry.field(
        default=DEFAULT.attempt_time, description="How long one attempt may take, at most 5 minutes."
    )
    total_time: timedelta = strawberry.field(
        default=DEFAULT.total_time, description="How long all attempts of a round may take, at most 24 hours."
    )
    answer_time: timedelta | None = strawberry.field(
        default=None,
        description="How long the package may take to answer what it accepted with 202; without it, for ever.",
    )

    def to_domain(self) -> Limits:
        return Limits(
            attempts=self.attempts,
            attempt_time=self.attempt_time,
            total_time=self.total_time,
            answer_time=self.answer_time,
        )


@strawberry.input(description="What to change in a package, or a new one. What is not given stays as it is.")
class ConfigurePackageInput:
    name: str = strawberry.field(
        description="The package's name: 1 to 64 lower-case letters, digits, _ and -."
    )
    description: str | None = strawberry.field(default=None, description="What it is.")
    address: str | None = strawberry.field(
        default=None,
        description="Where it is reached: http or https, at most 500 characters, without user, query or fragment. An "
        "empty text takes the address away.",
    )
    actions: list[PackageActionInput] = strawberry.field(
        default_factory=list,
        description="What it can be asked to do: each replaces the action of its name, or is added. At most 100.",
    )
    limits: PackageLimitsInput | None = strawberry.field(
        default=None, description="How often and how long it is tried, all of it."
    )
    expected_revision: int | None = strawberry.field(default=None, description=REVISION)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="A new secret for a package. What is sent here is shown nowhere again.")
class RotatePackageSecretInput:
    name: str = strawberry.field(description=NAME)
    secret: str = strawberry.field(
        description="`whsec_` and the base64 of 24 to 64 random bytes, as Standard Webhooks has it."
    )
    overlap: timedelta = strawberry.field(
        default=timedelta(days=1),
        description="How long the secrets there are sign beside it, at most 30 days.",
    )
    expected_revision: int | None = strawberry.field(default=None, description=REVISION)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)

    def __repr__(self) -> str:
        return f"RotatePackageSecretInput(name={self.name!r})"


@strawberry.input(description="Which package to switch on.")
class EnablePackageInput:
    name: str = strawberry.field(description=NAME)
    expected_revision: int | None = strawberry.field(default=None, description=REVISION)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="Which package to switch off.")
class DisablePackageInput:
    name: str = strawberry.field(description=NAME)
    reason: str | None = strawberry.field(default=None, description="Why; it goes into the history.")
    expected_revision: int | None = strawberry.field(default=None, description=REVISION)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="Which package to call, to see whether it is there.")
class TestPackageInput:
    name: str = strawberry.field(description=NAME)
    action: str | None = strawberry.field(
        default=None, description="The action whose path is called; without one, the address itself."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="It makes no difference: a test changes nothing here, so it is made each time.",
    )
