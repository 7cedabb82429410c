"""Closed sets of values of the organizations app."""

from django.db.models import TextChoices


class OrganizationStatus(TextChoices):
    """Whether an organization may spend."""

    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"


class Role(TextChoices):
    """What a person is inside one organization."""

    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    BILLING_ADMIN = "billing_admin", "Billing admin"
    MEMBER = "member", "Member"


class Scope(TextChoices):
    """What an API key may do."""

    CREDITS_READ = "credits:read", "Read credits"
    CREDITS_DEDUCT = "credits:deduct", "Deduct credits"
    CREDITS_MANAGE = "credits:manage", "Manage credits"
    BILLING_READ = "billing:read", "Read billing"
    BILLING_MANAGE = "billing:manage", "Manage billing"
    ORGANIZATIONS_READ = "organizations:read", "Read organizations"
    ORGANIZATIONS_MANAGE = "organizations:manage", "Manage organizations"


ALL_ROLES: frozenset[Role] = frozenset(Role)
BILLING_ROLES: frozenset[Role] = frozenset({Role.OWNER, Role.ADMIN, Role.BILLING_ADMIN})
MANAGER_ROLES: frozenset[Role] = frozenset({Role.OWNER, Role.ADMIN})

ALL_SCOPES: frozenset[Scope] = frozenset(Scope)

# What a person may hand on to an API key: never more than their role does itself.
ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    Role.OWNER: ALL_SCOPES,
    Role.ADMIN: ALL_SCOPES,
    Role.BILLING_ADMIN: ALL_SCOPES - {Scope.ORGANIZATIONS_MANAGE},
    Role.MEMBER: frozenset(),
}


class AuditAction(TextChoices):
    """What the audit log says was done; what moves credits or money has histories of its own."""

    ORGANIZATION_OPENED = "organization_opened", "Organization opened"
    ORGANIZATION_IMPORTED = "organization_imported", "Organization imported"
    ORGANIZATION_EDITED = "organization_edited", "Organization edited"
    ORGANIZATION_SUSPENDED = "organization_suspended", "Organization suspended"
    ORGANIZATION_REACTIVATED = "organization_reactivated", "Organization reactivated"
    MEMBER_ADDED = "member_added", "Member added"
    MEMBER_REMOVED = "member_removed", "Member removed"
    MEMBER_ROLE_CHANGED = "member_role_changed", "Member's role changed"
    API_KEY_ISSUED = "api_key_issued", "API key issued"
    API_KEY_REVOKED = "api_key_revoked", "API key revoked"
    USER_CREATED = "user_created", "User created"
    USER_EDITED = "user_edited", "User edited"
    SERVICE_EDITED = "service_edited", "Service edited"
    PRICE_VERSION_ADDED = "price_version_added", "Price version added"
    PLAN_EDITED = "plan_edited", "Plan edited"
    BILLING_DETAILS_EDITED = "billing_details_edited", "Billing details edited"
    HOLD_RELEASED = "hold_released", "Hold released"
    WEBHOOK_ENDPOINT_CREATED = "webhook_endpoint_created", "Webhook endpoint created"
    WEBHOOK_ENDPOINT_EDITED = "webhook_endpoint_edited", "Webhook endpoint edited"
    WEBHOOK_ENDPOINT_DISABLED = "webhook_endpoint_disabled", "Webhook endpoint disabled"
    WEBHOOK_ENDPOINT_ENABLED = "webhook_endpoint_enabled", "Webhook endpoint enabled"
    WEBHOOK_ENDPOINT_DELETED = "webhook_endpoint_deleted", "Webhook endpoint deleted"
    WEBHOOK_SECRET_ROTATED = (
        "webhook_secret_rotated",
        "Webhook secret rotated",
    )
    WEBHOOKS_REPLAYED = "webhooks_replayed", "Webhooks replayed"


class NoticeKind(TextChoices):
    """What people are told of; each kind can be switched off by e-mail, by each person."""

    POOL_LOW = "pool_low", "The pool is low"
    POOL_EXHAUSTED = "pool_exhausted", "The pool is used up"
    OWN_LOW = "own_low", "My credits are low"
    OWN_EXHAUSTED = "own_exhausted", "My credits are used up"
    MEMBER_LOW = "member_low", "A member's credits are low"
    MEMBER_EXHAUSTED = "member_exhausted", "A member's credits are used up"
    PAYMENT_FAILED = "payment_failed", "A card was declined"
    PAST_DUE = "past_due", "The subscription is past due"
    WEBHOOK_TROUBLE = "webhook_trouble", "A webhook endpoint needs attention"
    PAYMENTS_FAILED = "payments_failed", "Cards were declined, in any organization"
    SUBSCRIPTIONS_PAST_DUE = "subscriptions_past_due", "Subscriptions are past due"
    JOB_FAILED = "job_failed", "A job has failed for good"
    LEDGER_VIOLATED = "ledger_violated", "The ledger breaks a rule"
    SUSPICIOUS = "suspicious", "Suspicious activity"
    MAIL_FAILED = "mail_failed", "E-mail could not be delivered"


#: About the person's own credits: for members of any role.
OWN_KINDS: frozenset[NoticeKind] = frozenset({NoticeKind.OWN_LOW, NoticeKind.OWN_EXHAUSTED})
#: About an organization: for its billing roles.
ORG_KINDS: frozenset[NoticeKind] = frozenset(
    {
        NoticeKind.POOL_LOW,
        NoticeKind.POOL_EXHAUSTED,
        NoticeKind.MEMBER_LOW,
        NoticeKind.MEMBER_EXHAUSTED,
        NoticeKind.PAYMENT_FAILED,
        NoticeKind.PAST_DUE,
        NoticeKind.WEBHOOK_TROUBLE,
    }
)
#: About the service as a whole: for system admins.
SYSTEM_KINDS: frozenset[NoticeKind] = frozenset(NoticeKind) - OWN_KINDS - ORG_KINDS
#: In the console alone unless a person asks for more: the members are told themselves.
QUIET_KINDS: frozenset[NoticeKind] = frozenset({NoticeKind.MEMBER_LOW})
#: Never by e-mail: that e-mail doesn't arrive can't be told by e-mail.
CONSOLE_KINDS: frozenset[NoticeKind] = frozenset({NoticeKind.MAIL_FAILED})


class MailStatus(TextChoices):
    """What has become of a notice's e-mail."""

    NONE = "none", "Not by e-mail"
    QUEUED = "queued", "Queued"
    SENT = "sent", "Sent"
    FAILED = "failed", "Given up"


class EndpointStatus(TextChoices):
    """Whether a webhook endpoint is told of events. A deleted one stays for the history of its deliveries."""

    ENABLED = "enabled", "Enabled"
    DISABLED = "disabled", "Disabled"
    DELETED = "deleted", "Deleted"


class DisabledReason(TextChoices):
    """Why a webhook endpoint is disabled: somebody wanted it, it answered 410, or nothing arrived for days."""

    BY_HAND = "by_hand", "Disabled by hand"
    GONE = "gone", "It answered 410 Gone"
    FAILING = "failing", "Every attempt failed for five days"


class DeliveryStatus(TextChoices):
    """What has become of an event on its way to one endpoint.

    `failed`: the last attempt of the schedule failed. `discarded`: not tried any more, because the endpoint was
    disabled or deleted. Both can be replayed.
    """

    PENDING = "pending", "Pending"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Failed"
    DISCARDED = "discarded", "Discarded"
