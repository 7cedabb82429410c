"""What answered 500 to bad input, each once more; `tests/corpus/` tries everything everywhere."""

import pytest

from orgbilling.web import body
from tests.api_client import ApiClient, problem
from tests.regressions.teeth import guarded_by, python

pytestmark = pytest.mark.django_db


@guarded_by(
    length=python(
        body,
        "_declared_length",
        ("if not (declared.isascii() and declared.isdecimal()", "if not (declared"),
        (" and len(declared) <= _LENGTH_DIGITS_MAX", ""),
        ("return int(declared)", "return int(declared) if declared.isdecimal() else 0"),
    )
)
def test_a_length_that_is_no_number(system_admin, funded):
    """Our server refuses it; behind another one Django took it for a number."""
    api = ApiClient(user=system_admin)
    for length in ("many", "1e3", "-1", "\u0663", "9" * 5_000):
        answer = api.post(f"credits/{funded.pk}/add", {"credits": 5}, Content_Length=length)
        problem(answer, 400, "malformed_json")
