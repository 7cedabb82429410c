"""Tables of the organizations app."""

from organizations.models.api_key import ApiKey
from organizations.models.audit import AuditLogEntry
from organizations.models.member import Member
from organizations.models.notice import Notice, NoticePreference
from organizations.models.organization import Organization
from organizations.models.user import User
from organizations.models.webhook_delivery import WebhookAttempt, WebhookDelivery
from organizations.models.webhook_endpoint import WebhookEndpoint
from organizations.models.webhook_event import WebhookEvent

__all__ = [
    "ApiKey",
    "AuditLogEntry",
    "Member",
    "Notice",
    "NoticePreference",
    "Organization",
    "User",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
]
