"""Short words for what tests do to a hold over HTTP."""

from credits.models import Allocation

PATH = "credits/holds"


def left(org, user):
    row = Allocation.objects.get(org=org, user=user)
    return row.remaining_credits, row.held_credits, row.used_credits


def capture(api, hold, wanted=None, **headers):
    return api.post(f"{PATH}/{hold['id']}/capture", {} if wanted is None else wanted, **headers)


def release(api, hold, wanted=None, **headers):
    return api.post(f"{PATH}/{hold['id']}/release", {} if wanted is None else wanted, **headers)
