"""Seeds the demo through the managers that serve the API; killed anywhere, it can be run again.

Every step looks for what an earlier run left, and every charge has a key, so that a second run charges nothing twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from billing import invoicing
from billing.models import BillingDetails, Payment, Subscription
from billing.purchase import Parcel, add_at_named_price
from billing.settling import settle
from billing.subscribing import Order, subscribe
from credits.deducting import OPERATION, deduct
from credits.functions import Charge, Origin
from credits.idempotency import hash_body
from credits.models import Allocation, CreditPool
from credits.onboarding import open_organization
from organizations.access import Principal
from organizations.choices import Scope
from organizations.models import ApiKey, Member, Organization, User
from orgbilling.demo.cast import Person, Tenant
from orgbilling.demo.usage import DAYS, Call, month_of
from orgbilling.lib.clock import now, simulated

ADMIN_EMAIL = "admin@orgbilling.example"
CREDIT_PRICE = Decimal("0.01")
KEY_NAMES = ("Demo platform service", "Demo Globex service")


@dataclass(slots=True)
class Demo:
    """What a newcomer needs to know; becomes ``demo.json``."""

    base_url: str
    admin: dict[str, str] = field(default_factory=dict)
    users: list[dict[str, Any]] = field(default_factory=list)
    organizations: list[dict[str, str]] = field(default_factory=list)
    api_keys: list[dict[str, Any]] = field(default_factory=list)


def seed(tenants: list[Tenant], base_url: str, progress: Callable[[str], None]) -> Demo:
    """Make the organizations with a month of usage, a system admin and two service keys."""
    demo = Demo(base_url)
    admin, demo.admin["password"] = _person(
        ADMIN_EMAIL, "System Admin", is_staff=True, is_superuser=True
    )
    demo.admin["email"] = admin.email
    # The whole month lies in the past, and everybody joins at its beginning.
    until = now()
    start = until - timedelta(days=DAYS)
    for tenant in tenants:
        progress(f"{tenant.name}: {len(tenant.people)} people")
        organization = _tenant(tenant, demo, admin, start)
        charges = _charges(tenant, organization, until)
        progress(f"{tenant.name}: {charges} charges")
        invoices = invoicing.issue_missing(organization.pk)
        progress(f"{tenant.name}: {invoices} invoices")
    globex = Organization.objects.get(name="globex")
    demo.api_keys.append(_key(KEY_NAMES[0], None))
    demo.api_keys.append(_key(KEY_NAMES[1], globex))
    return demo


def _tenant(tenant: Tenant, demo: Demo, admin: User, start: datetime) -> Organization:
    people = [(person, *_person(person.email, person.name)) for person in tenant.people]
    origin = Origin(f"user:{admin.pk}", f"seed-{tenant.slug}")
    with simulated(start):
        organization = _open(tenant, people[0][1])
        for person, user, password in people:
            _join(organization, person, user)
            demo.users.append(
                {
                    "id": str(user.pk),
                    "email": user.email,
                    "password": password,
                    "org_id": str(organization.pk),
                    "role": str(person.role),
                }
            )
        _fill(tenant, organization, origin)
        _describe(tenant, organization, origin)
        for person, user, _password in people:
            _allocate(organization, person, user, origin)
    demo.organizations.append({"id": str(organization.pk), "name": organization.display_name})
    return organization


def _open(tenant: Tenant, owner: User) -> Organization:
    found = Organization.objects.filter(name=tenant.slug).first()
    return found or open_organization(
        name=tenant.slug, display_name=tenant.name, timezone=tenant.timezone, owner=owner
    )


def _join(organization: Organization, person: Person, user: User) -> None:
    if not Member.objects.filter(org=organization, user=user).exists():
        owner = Member.objects.filter(org=organization, role="owner").select_related("user")[0].user
        Member.objects.add(organization, user, role=person.role, by=Principal(user=owner))


def _fill(tenant: Tenant, organization: Organization, origin: Origin) -> None:
    if not Subscription.objects.filter(org=organization).exists():
        _subscribe(tenant, organization, origin)
    if CreditPool.objects.get(org=organization).total_credits == 0:
        parcel = Parcel(
            credits=tenant.credits, amount=CREDIT_PRICE * tenant.credits, reference="DEMO-1"
        )
        add_at_named_price(org_id=organization.pk, parcel=parcel, origin=origin)


def _subscribe(tenant: Tenant, organization: Organization, origin: Origin) -> None:
    """With its first month paid: nobody wants to meet a demo that is past due."""
    with transaction.atomic():
        subscribe(organization=organization, order=Order(plan=tenant.plan), origin=origin)
        payment = Payment.objects.pending().get(org=organization)
        settle(org_id=organization.pk, payment_id=payment.pk, origin=origin)


def _describe(tenant: Tenant, organization: Organization, origin: Origin) -> None:
    """What its invoices say about the buyer; whoever changed it since keeps that."""
    if BillingDetails.objects.of(organization.pk) is None:
        BillingDetails.objects.change(
            org_id=organization.pk,
            actor=origin.actor,
            legal_name=f"{tenant.name} Inc.",
            email=f"billing@{tenant.slug}.example",
            address="12 Market Street\nExampletown 10101",
            country="United States",
        )


def _allocate(organization: Organization, person: Person, user: User, origin: Origin) -> None:
    if person.credits and not Allocation.objects.filter(org=organization, user=user).exists():
        Allocation.objects.allocate(
            org_id=organization.pk, user_id=user.pk, credits=person.credits, origin=origin
        )


def _charges(tenant: Tenant, organization: Organization, until: datetime) -> int:
    calls: list[tuple[Call, User, str]] = []
    for person in tenant.people:
        user = User.objects.get(email=person.email)
        for number, call in enumerate(month_of(person, until), start=1):
            calls.append((call, user, f"seed-{person.email}-{number}"))
    for call, user, key in sorted(calls, key=lambda one: one[0].at):
        _charge(organization, user, call, key)
    return len(calls)


def _charge(organization: Organization, user: User, call: Call, key: str) -> None:
    body_hash = hash_body(OPERATION, {}, {"service": call.service, "quantity": call.quantity})
    charge = Charge(
        org_id=organization.pk,
        user_id=user.pk,
        service_name=call.service,
        credits=None,
        quantity=call.quantity,
        service_type="api",
        metadata={"company": call.about},
        origin=Origin(f"user:{user.pk}", key, key, body_hash),
    )
    with simulated(call.at):
        deduct(charge, at=call.at)


def _person(email: str, name: str, **flags: bool) -> tuple[User, str]:
    """The user with a new password: an earlier run's can't be read back."""
    password = secrets.token_urlsafe(9)
    user = User.objects.filter(email=email).first()
    if user is None:
        return User.objects.create_user(email, password, name, **flags), password
    user.set_password(password)
    user.save(update_fields=["password"])
    return user, password


def _key(name: str, organization: Organization | None) -> dict[str, Any]:
    org_id = organization.pk if organization is not None else None
    for former in ApiKey.objects.filter(name=name, org=organization, revoked_at=None):
        ApiKey.objects.revoke(org_id, former.pk, by=None)
    _row, plaintext = ApiKey.objects.issue(organization, name=name, scopes=tuple(Scope), by=None)
    return {
        "name": name,
        "key": plaintext,
        "scopes": [scope.value for scope in Scope],
        "org_id": str(org_id) if org_id else None,
    }
