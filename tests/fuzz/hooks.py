"""What schemathesis is told of this service beyond its OpenAPI document; runs inside `st`."""

import json
import os

import schemathesis
from hypothesis import strategies as st

from organizations.timezones import known_timezones

CREDENTIALS = json.loads(os.environ["FUZZ_CREDENTIALS"])
# Exact as a float: a larger one stands for many integers.
EXACT_MAX = 2**53
# Rules of validation errors that no schema can say: they depend on what is stored, on the time, on where a name leads,
# or on two places of the request at once.
BEYOND_SCHEMA = {
    "unique",
    "in_the_past",
    "future",
    "in_the_future",
    "window",
    "one_organization",
    "key_required",
    "not_in_trial",
    "above_ceiling",
    "below_drawn",
    "unsafe_url",
}

schemathesis.openapi.format("iana-time-zone", st.sampled_from(sorted(known_timezones())))
# Receivers of webhooks: public addresses, so that nobody looks a name up. Nothing is sent: no worker runs.
schemathesis.openapi.format(
    "uri", st.from_regex(r"https://192\.0\.32\.7/[a-z0-9/]{0,30}", fullmatch=True)
)


@schemathesis.auth()
class Caller:
    """Signs every request as the caller that the run is for."""

    def get(self, case, context):
        """The caller's headers and cookies."""
        return CREDENTIALS

    def set(self, case, data, context):
        """Add them."""
        case.headers.update(data["headers"])
        case.cookies.update(data["cookies"])


@schemathesis.hook
def before_call(context, case, kwargs):
    """Send 5.0 as 5: to JSON Schema both are the integer, to the contract floats are 400."""
    make_whole(case.body)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Drop the refusal of a valid request by nothing but rules that no schema can say."""
    if failure.title != "Schema-valid request rejected" or response.status_code != 400:
        return True
    errors = response.json().get("errors") or [{"code": "none"}]
    return not {error["code"] for error in errors} <= BEYOND_SCHEMA


def make_whole(value):
    """Make integral floats integers, in place."""
    if not isinstance(value, dict | list):
        return
    for place, one in list(value.items() if isinstance(value, dict) else enumerate(value)):
        if isinstance(one, float) and one.is_integer() and abs(one) <= EXACT_MAX:
            value[place] = int(one)
        else:
            make_whole(one)
