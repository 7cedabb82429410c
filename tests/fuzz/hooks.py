"""What schemathesis is told of this service beyond its OpenAPI document; runs inside `st`."""

import json
import os

import schemathesis
from hypothesis import strategies as st

from organizations.timezones import known_timezones

CREDENTIALS = json.loads(os.environ["FUZZ_CREDENTIALS"])


@schemathesis.auth()
class Caller:
    """Signs every request as the role that the run is for."""

    def get(self, case, context):
        """The headers and cookies of the role."""
        return CREDENTIALS

    def set(self, case, data, context):
        """Add them."""
        case.headers.update(data["headers"])
        case.cookies.update(data["cookies"])


schemathesis.openapi.format("iana-time-zone", st.sampled_from(sorted(known_timezones())))
