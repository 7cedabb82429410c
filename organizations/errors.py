"""What can go wrong about who is who."""

from orgbilling.lib.errors import LimitReached, OrgBillingError


class NotAMember(LimitReached):
    """The person named is no active member of the organization."""

    limits = ("organization", "membership")
    raised_by = ("owner", "admin")
    fix = "Check the user's id, or add the user to the organization: POST /organizations/{org_id}/members."

    code = "not_a_member"
    title = "Not a member"
    default_detail = "This user is not an active member of the organization."


class AlreadyMember(OrgBillingError):
    """The person is in the organization already."""

    code = "already_member"
    title = "Already a member"
    default_detail = "This user is a member of the organization already."


class LastOwner(OrgBillingError):
    """The change would leave the organization without an owner."""

    code = "last_owner"
    title = "Last owner"
    default_detail = "An organization needs an owner: make somebody else an owner first."


class OrganizationSuspended(LimitReached):
    """The organization is suspended and may not spend."""

    limits = ("organization",)
    raised_by = ("system_admin",)
    fix = "A system admin has to reactivate the organization."

    code = "organization_suspended"
    title = "Organization suspended"
    default_detail = "This organization is suspended: its credits can't be spent."


class EndpointLimitExceeded(OrgBillingError):
    """The organization has as many webhook endpoints as it may have."""

    code = "endpoint_limit_exceeded"
    title = "Endpoint limit exceeded"
    default_detail = "An organization has at most 20 webhook endpoints: delete one that isn't used."


class EndpointDisabled(OrgBillingError):
    """Nothing is sent to a disabled webhook endpoint."""

    code = "endpoint_disabled"
    title = "Endpoint disabled"
    default_detail = "This webhook endpoint is disabled: enable it first."
