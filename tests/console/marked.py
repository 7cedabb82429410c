"""Two tenants in which everything has happened, each with a word of its own in every text that a row can hold.

What is somebody's own, what is their colleagues', and what the whole organization may know are marked apart.
"""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Final

from django.apps import apps
from django.db import DataError, IntegrityError, connection, models, transaction

from billing.invoicing import issue_missing
from billing.models import BillingDetails, Payment, PaymentAttempt
from credits.choices import ShortageLevel
from credits.deducting import deduct
from credits.idempotency import Answer
from credits.models import Allocation, CreditPool, LowCreditEpisode, OveragePeriod
from organizations import noticing
from organizations.choices import NoticeKind, Role
from organizations.models import (
    Organization,
    User,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEvent,
)
from orgbilling.lib.clock import now
from tests.factories import (
    as_principal,
    make_endpoint,
    make_key,
    make_member,
    make_organization,
    make_user,
)
from tests.ledger import charge
from tests.verification.guards import disable_triggers
from tests.verification.story import tell

#: No page contains these by itself.
WORDS: Final = ("zebrafish", "quokka")
APPS: Final = ("organizations", "credits", "billing")
#: What every member may know of their organization: itself, its pool, its subscription.
FOR_MEMBERS: Final = frozenset({"organization", "creditpool", "subscription", "billingsummary"})
#: A key that is no longer than this may stand in a page by chance.
SHORT: Final = 12
#: Texts that the service reads: no free text fits.
READ_BY_THE_SERVICE: Final = frozenset(
    {"timezone", "currency", "actor", "name", "key_hash", "secret", "previous_secret"}
)


class Tenant:
    """An organization with somebody in every role; its word is in all of its texts."""

    def __init__(self, word: str) -> None:
        self.word = word
        self.people: dict[str, User] = {"owner": self._person("owner")}
        self.org: Organization = make_organization(
            f"{word}-inc", f"{word} incorporated", owner=self.people["owner"]
        )
        for role in (Role.ADMIN, Role.BILLING_ADMIN, Role.MEMBER):
            self.people[role.value] = make_member(self.org, role, self._person(role)).user
        self.member = self.people["member"]
        tell(self.org, self.people["owner"], self.member)
        make_key(self.org, name=f"{word}'s key")
        for person in (self.people["owner"], self.member):
            self._refuse(person)
        BillingDetails.objects.change(
            org_id=self.org.pk, actor="system", legal_name=f"{word} legally", tax_id=f"{word} 1"
        )
        issue_missing(self.org.pk)
        self._try_a_card()
        self._end_a_period()
        self._notice()
        self._webhooks()
        mark(self)

    def _person(self, role: str) -> User:
        return make_user(f"{role}@{self.word}.example", f"{self.word} {role}")

    def _refuse(self, person: User) -> None:
        total = CreditPool.objects.get(org=self.org).total_credits
        refused = deduct(charge(self.org, person, total + 1, key=f"too much for {person.email}"))
        assert isinstance(refused, Answer)

    def _try_a_card(self) -> None:
        owed = Payment.objects.pending().filter(org=self.org).first()
        assert owed is not None
        begun = PaymentAttempt.objects.begin(
            org_id=self.org.pk,
            payment_id=owed.pk,
            provider="stripe",
            customer_id=f"cus_{self.word}",
            method_id=f"pm_{self.word}",
            moment=now(),
        )
        assert begun is not None

    def _end_a_period(self) -> None:
        """With overage that was drawn in it; by the renewal's means it would take a plan of its own."""
        disable_triggers("overage_periods")
        at = now()
        OveragePeriod.objects.create(
            org=self.org,
            period_start=at - timedelta(days=70),
            period_end=at - timedelta(days=40),
            credits=5,
            rate=Decimal("0.01"),
            created_at=at,
        )

    def _notice(self) -> None:
        """Somebody's credits are low, and they and the billing roles are told."""
        for person in (self.member, self.people["owner"]):
            allocation = Allocation.objects.get(org=self.org, user=person)
            LowCreditEpisode.objects.begin(
                org_id=self.org.pk,
                allocation_id=allocation.pk,
                level=ShortageLevel.LOW,
                left=1,
                whole=9,
                moment=now(),
            )
            kind = NoticeKind.OWN_LOW if person == self.member else NoticeKind.POOL_LOW
            noticing.tell(
                [person],
                noticing.Message(kind, "once", "Low", "Very low.", "org_dashboard", self.org.pk),
            )

    def _webhooks(self) -> None:
        """An event on its way to an endpoint, which has refused it once."""
        endpoint = make_endpoint(self.org)
        delivery = WebhookEvent.objects.send_test(endpoint, by=as_principal(self.people["owner"]))
        at = delivery.created_at
        WebhookDelivery.objects.filter(pk=delivery.pk).update(
            attempts=1, step=1, last_attempt_at=at, last_status=500
        )
        WebhookAttempt.objects.create(
            org=self.org, delivery=delivery, number=1, started_at=at, ended_at=at, status_code=500
        )

    def rows(self, model: type[models.Model]) -> "models.QuerySet[models.Model]":
        """Its rows of a table that has organizations, in a fixed order."""
        where = {"pk": self.org.pk} if model is Organization else {"org_id": self.org.pk}
        if model is User:
            where = {"memberships__org_id": self.org.pk}
        return model._default_manager.filter(**where).order_by("pk")

    def secrets(self) -> dict[str, str]:
        """What nobody outside may see, and what it is: its word, and the key of every row."""
        return {self.word: "its word"} | {
            str(row.pk): model._meta.label
            for model in tenant_models()
            for row in self.rows(model)
            if len(str(row.pk)) > SHORT
        }

    def secrets_from_members(self) -> dict[str, str]:
        """What its plain member may not see: what is marked as others', those rows' keys, and who they are."""
        found = {f"{self.word}-theirs": "a text of somebody else's row"}
        found |= {user.email: "a colleague" for user in self.people.values() if user != self.member}
        for model in tenant_models():
            if model._meta.model_name in FOR_MEMBERS or not model._meta.managed:
                # A view's rows have the keys of its tables' rows, a member's own among them.
                continue
            for row in self.rows(model):
                if row.pk != self.member.pk and getattr(row, "user_id", None) != self.member.pk:
                    found[str(row.pk)] = model._meta.label
        return {secret: what for secret, what in found.items() if len(secret) > SHORT}

    def fingerprint(self) -> dict[str, str]:
        """A digest of its rows of each table."""
        with connection.cursor() as cursor:
            found = {}
            for model in tenant_models():
                table = connection.ops.quote_name(model._meta.db_table)
                column = {Organization: "id", User: None}.get(model, "org_id")
                where = f"WHERE {column} = %s" if column else ""
                cursor.execute(
                    "SELECT md5(string_agg(row, ',' ORDER BY row)) FROM "
                    f"(SELECT (to_jsonb(t) - 'last_used_at' - 'last_login')::text AS row FROM {table} t {where}) x",
                    [self.org.pk] if column else [],
                )
                found[model._meta.label] = cursor.fetchone()[0]
            return found


def tenant_models() -> list[type[models.Model]]:
    """Every table and view whose rows belong to an organization, organizations and people among them."""
    found = [model for app in APPS for model in apps.get_app_config(app).get_models()]
    own = {"org", "org_id"}
    return [
        model
        for model in found
        if model in {Organization, User} or own & {field.name for field in model._meta.fields}
    ]


def mark(tenant: Tenant) -> None:
    """Put the tenant's word into every free text of its rows, past the triggers and not past the constraints."""
    marked = [model for model in tenant_models() if model._meta.managed and model is not User]
    disable_triggers(*(model._meta.db_table for model in marked))
    for model in marked:
        for field in free_texts(model):
            _mark(tenant, model, field)


def free_texts(model: type[models.Model]) -> Iterator[models.Field]:
    """The columns that can hold any text, and the documents."""
    for field in model._meta.concrete_fields:
        text = isinstance(field, models.CharField | models.TextField) and not field.choices
        free = text and field.name not in READ_BY_THE_SERVICE and not field.primary_key
        if free or isinstance(field, models.JSONField):
            yield field


def _mark(tenant: Tenant, model: type[models.Model], field: models.Field) -> None:
    for row in tenant.rows(model):
        whose = "mine" if getattr(row, "user_id", None) == tenant.member.pk else "theirs"
        if model._meta.model_name in FOR_MEMBERS:
            whose = "ours"
        text: object = f"{tenant.word}-{whose} {str(row.pk)[-4:]}"
        if isinstance(field, models.JSONField):
            # Beside what is there, which a page may need.
            there = getattr(row, field.attname)
            text = {**there, "about": text} if isinstance(there, dict) else {"about": text}
        try:
            with transaction.atomic():
                model._default_manager.filter(pk=row.pk).update(**{field.name: text})
        except (IntegrityError, DataError):
            # A check knows all values of this column, or it is too short for a word.
            continue
